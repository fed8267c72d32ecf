import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { request } from "node:https";
import { text } from "node:stream/consumers";
import type { EnrolledPrimary } from "@sallyport/hub";
import { dialEndpoint, failureAnswer, type NotificationEntry } from "@sallyport/nbwss";

/** A hub, for programs that call its HTTP API. */
export interface HubAddress {
  url: string;
  caPem: string;
  /** The API key. */
  key: string;
}

/** Calls the hub's HTTP API; anything but 2xx fails. */
export async function callHub<Answer>(hub: HubAddress, route: string, body?: unknown): Promise<Answer> {
  const [method = "GET", path = ""] = route.split(" ");
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; body: string }>();
  const outgoing = request(
    new URL(path, hub.url),
    {
      method,
      ca: hub.caPem,
      agent: false,
      headers: { Authorization: `Bearer ${hub.key}`, "Content-Type": "application/json" },
    },
    (response) => {
      text(response).then((answer) => resolve({ status: response.statusCode ?? 0, body: answer }), reject);
    },
  );
  outgoing.on("error", reject).end(body === undefined ? undefined : JSON.stringify(body));
  const answer = await promise;
  assert.ok(answer.status >= 200 && answer.status < 300, `${route}: ${answer.status} ${answer.body}`);
  return (answer.body === "" ? undefined : JSON.parse(answer.body)) as Answer;
}

/** Enrols a primary. */
export function enrolPrimary(
  hub: HubAddress,
  name: string,
  labels: Record<string, string> = {},
): Promise<EnrolledPrimary> {
  return callHub(hub, "POST /api/v1/primaries", { name, labels });
}

/** Connects as a primary that only sends. */
export function dialAs(hub: HubAddress, { endpoint }: Pick<EnrolledPrimary, "endpoint">) {
  return dialEndpoint({
    url: endpoint.url,
    token: endpoint.token,
    tls: { ca: hub.caPem },
    execute: () => Promise.resolve(failureAnswer(501, 501, "this primary only sends notifications")),
  });
}

type Connection = Awaited<ReturnType<typeof dialAs>>;
type Item = Record<string, unknown>;

/** Sends items in one notification and waits until the hub has them. */
export async function report(connection: Connection, object: "JOB" | "IMAGE", data: Item[]): Promise<void> {
  const entries: NotificationEntry[] = [{ notificationType: "INFO", object, data }];
  await connection.notify(randomUUID(), entries, { timeoutMs: 30_000 });
}

const hourS = 3_600;
/** As long as a name may be, without a place to break it. */
export const longName = `${"branch-office-with-a-really-long-host-name".repeat(3)}.x`.slice(0, 128);

function job(jobId: number, hoursAgo: number, more: Item = {}): Item {
  return {
    jobId,
    parentJobId: jobId,
    jobType: "BACKUP",
    state: "DONE",
    status: 0,
    policyName: "nightly-full",
    policyType: "STANDARD",
    scheduleType: "ST_FULL",
    clientName: "db1.vienna.example",
    startTime: Math.floor(Date.now() / 1000 - hoursAgo * hourS),
    ...more,
  };
}

function image(backupId: string, hoursAgo: number, more: Item = {}): Item {
  const time = Math.floor(Date.now() / 1000 - hoursAgo * hourS);
  return {
    backupId,
    clientName: "db1.vienna.example",
    clientType: "STANDARD",
    backupTime: time,
    createdTime: time,
    operationId: "IMAGE_CREATE",
    ...more,
  };
}

/**
 * Fills a hub with something of everything that the console shows: primaries in every state, jobs with every result, images,
 * an alert, users and keys. Those that stay connected do so until the result is disposed of.
 */
export async function fillFleet(hub: HubAddress) {
  await using stack = new AsyncDisposableStack();
  const join = async (name: string, labels: Record<string, string>) => {
    const enrolled = await enrolPrimary(hub, name, labels);
    const connection = await dialAs(hub, enrolled);
    stack.defer(() => connection.close());
    return { enrolled, connection };
  };
  const vienna = await join("nbu-vienna-01", { site: "vienna", tier: "gold" });
  const graz = await join("nbu-graz-02", { site: "graz", tier: "silver" });
  const away = await join("nbu-oslo-07", { site: "oslo" });
  await enrolPrimary(hub, longName, { site: "berlin" });
  await report(vienna.connection, "JOB", [
    job(101, 3),
    job(102, 2, { status: 1, clientName: "files.vienna.example" }),
    job(103, 1, { status: 196, policyName: "hourly-log-backup-of-every-database-of-the-branch" }),
    job(104, 0.5, { state: "ACTIVE", status: null, clientName: longName }),
    job(105, 0.1, { state: "QUEUED", status: null, jobType: "RESTORE" }),
  ]);
  // Its last good backup is older than what the first alert rule allows.
  await report(graz.connection, "JOB", [job(7, 60), job(8, 30, { status: 2074 })]);
  await report(vienna.connection, "IMAGE", [
    image("db1.vienna.example_1795497467", 3),
    image("files.vienna.example_1795497999", 2, { clientName: "files.vienna.example" }),
  ]);
  await away.connection.close(1000, "maintenance window until Sunday");
  await callHub(hub, "POST /api/v1/users", {
    login: "olga.operator",
    name: "Olga",
    role: "operator",
    password: "a password of tests",
  });
  await callHub(hub, "POST /api/v1/users", {
    login: "vera.viewer",
    name: longName,
    role: "viewer",
    scope: { kind: "labels", labels: { site: "vienna" } },
    password: "a password of tests",
  });
  const viewer = await callHub<{ key: string }>(hub, "POST /api/v1/api-keys", {
    name: "monitoring",
    role: "viewer",
  });
  const operator = await callHub<{ key: string }>(hub, "POST /api/v1/api-keys", {
    name: "night shift",
    role: "operator",
    expiresAt: new Date(Date.now() + 7 * 86_400_000).toISOString(),
  });
  const cleanUp = stack.move();
  return {
    vienna: vienna.enrolled,
    connection: vienna.connection,
    graz: graz.enrolled,
    away: away.enrolled,
    viewerKey: viewer.key,
    operatorKey: operator.key,
    [Symbol.asyncDispose]: () => cleanUp.disposeAsync(),
  };
}
