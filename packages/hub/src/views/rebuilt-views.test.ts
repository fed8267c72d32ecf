import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { openDatabase } from "@sallyport/durable";
import { ManualClock } from "@sallyport/nbwss/testing";
import { toIncomingItems } from "../inbox/notification-events.ts";
import type { EventLog, LogEvent, TrimCursor } from "../log/log.ts";
import { openSqliteLog } from "../log/sqlite-log.ts";
import { LogLines, temporaryFolder } from "../testing/hub-fixture.ts";
import { compareTables } from "./compare-tables.ts";
import { concernsFleet, makeFleetViews } from "../fleet/fleet-views.ts";
import { concernsHub, makeHubViews } from "./hub-views.ts";
import { Views } from "./views.ts";

const startMs = Date.parse("2026-11-24T00:00:00Z");
const timeOf = (n: number) => new Date(startMs + n * 1000).toISOString();
const pick = <T>(...values: T[]) => fc.constantFrom(...values);
/** A member that mostly makes sense. */
const odd = <T>(usual: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 20, arbitrary: usual }, { weight: 1, arbitrary: fc.jsonValue() });

const job = fc.record(
  {
    jobId: odd(pick(1, 2, 3)),
    parentJobId: odd(pick(1, 2)),
    jobType: odd(pick("BACKUP", "BACKUP", "RESTORE")),
    state: pick("QUEUED", "ACTIVE", "DONE", "DONE", "DONE", "SUSPENDED"),
    status: odd(pick(0, 0, 1, 6)),
    policyName: odd(pick("nightly", "weekly")),
    clientName: odd(pick("a", "b")),
    startTime: odd(pick(0, ...[-90, -60, -30, 0, 7].map((s) => startMs / 1000 + s))),
  },
  { requiredKeys: ["jobId", "jobType", "state", "status", "clientName", "startTime"] },
);
const image = fc.record(
  {
    backupId: odd(pick("a_1", "b_2")),
    clientName: odd(pick("a", "b")),
    createdTime: odd(pick(10, 20)),
    backupTime: odd(pick(10, 20)),
    operationId: pick("CREATE", "UPDATE", "DELETE", "NO_LOCAL_COPY_AVAILABLE"),
  },
  { requiredKeys: ["backupId"] },
);
/** As retention trims them. */
const trimmedKinds = [
  { types: ["netbackup.", "sallyport.command."], keepPerSource: 0 },
  { types: ["sallyport.connection."], keepPerSource: 16 },
];
const step = fc.oneof(
  {
    weight: 20,
    arbitrary: fc.record({
      kind: pick("notify" as const),
      primary: pick("p1", "p2"),
      message: pick("AAAA", "BBBB", "CCCC"),
      object: pick("JOB", "JOB", "IMAGE"),
      jobs: fc.array(job, { minLength: 1, maxLength: 3 }),
      images: fc.array(image, { minLength: 1, maxLength: 3 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: pick("trim" as const),
      what: pick(...trimmedKinds),
      share: pick(0.1, 0.3, 0.5, 0.7, 0.9, 1),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: pick("connect" as const), primary: pick("p1", "p2") }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: pick("alert" as const),
      what: pick("raised" as const, "raised" as const, "resolved" as const, "acknowledged" as const),
      primary: pick("p1", "p2"),
      alert: pick("a1", "a2", "a3"),
      mutedUntil: pick(null, timeOf(5), timeOf(30)),
      reason: pick("mended", "primary_deleted"),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: pick("delete" as const), primary: pick("p1", "p2") }) },
);
const history = fc.array(step, { minLength: 1, maxLength: 40, size: "max" });
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

function own(n: number, type: string, subject: string, data: unknown): LogEvent {
  return { id: `own-${n}`, type, source: subject, subject, time: timeOf(n), data };
}

/** A connection that begins or ends, in turns. */
function connection(id: string, n: number): LogEvent {
  const common = { id, groupId: "g", epoch: n >> 1, remoteAddress: "192.0.2.1" };
  const ended = { ...common, lastSeenAt: timeOf(n), closeCode: 1006, closeReason: "" };
  const type = `sallyport.connection.${n % 2 === 0 ? "connected" : "disconnected"}`;
  return { ...own(n, type, `/primaries/${id}`, n % 2 === 0 ? common : ended), id: `connection-${n}` };
}

/** Deletes what the newest event says, as retention does. */
async function trim(log: EventLog, one: Step & { kind: "trim" }, last: number): Promise<void> {
  const options = { ...one.what, before: Math.ceil(last * one.share), at: await log.lastPosition() };
  let cursor: TrimCursor | undefined;
  do {
    cursor = (await log.trim(options, cursor, 1_000)).next;
  } while (cursor !== undefined);
}

function eventsOf(one: Step, n: number, last: number): LogEvent[] {
  switch (one.kind) {
    case "notify": {
      const { primary, message, object, jobs, images } = one;
      const data = (object === "JOB" ? jobs : images) as Record<string, unknown>[];
      const payload = [{ notificationType: "INFO", object, data }];
      return toIncomingItems(primary, { id: `${message}-${n >> 2}`, payload }, timeOf(n)).map(
        ({ event }) => event,
      );
    }
    case "connect":
      return Array.from({ length: 9 }, (_, count) => connection(one.primary, n * 9 + count));
    case "trim": {
      const { what, share } = one;
      const data = { ...what, before: Math.ceil(last * share), until: timeOf(n), reason: "age" };
      return [own(n, "sallyport.log.trimmed", "/hub", data)];
    }
    case "alert": {
      const { what, primary, alert: id, mutedUntil, reason } = one;
      const common = { id, ruleId: "r", kind: "primary_silent", primaryId: primary, message: "" };
      const more = { ruleName: "r", target: primary, advice: "", by: "somebody", mutedUntil, reason };
      return [own(n, `sallyport.alert.${what}`, `/primaries/${primary}`, { ...common, ...more })];
    }
    case "delete":
      return [
        own(n, "sallyport.primary.deleted", `/primaries/${one.primary}`, {
          id: one.primary,
          name: one.primary,
        }),
      ];
  }
}

/** Opens both sets of views, in files of this name. */
async function openViews(dir: string, name: string, log: Parameters<typeof Views.open>[0]["log"]) {
  const common = { log, clock: new ManualClock(), logger: new LogLines().logger, retryMs: 1 };
  const hub = { path: join(dir, `hub-${name}`), views: Object.values(makeHubViews()), concerns: concernsHub };
  const fleet = {
    path: join(dir, `fleet-${name}`),
    views: Object.values(makeFleetViews()),
    concerns: concernsFleet,
  };
  const stack = new DisposableStack();
  stack.use(await Views.open({ ...common, ...hub }));
  stack.use(await Views.open({ ...common, ...fleet }));
  return stack;
}

const open = (dir: string, name: string) => openDatabase({ path: join(dir, name), migrations: [] });

test("views - rebuilt from what retention has left, equal those that were kept up to date", async () => {
  await fc.assert(
    fc.asyncProperty(history, async (steps) => {
      await using folder = await temporaryFolder();
      const dir = folder.path;
      {
        await using log = openSqliteLog({ path: join(dir, "log.sqlite"), maxPendingEvents: 1000 });
        using _incremental = await openViews(dir, "views.sqlite", log);
        for (const [index, id] of ["p1", "p2"].entries()) {
          const data = { id, name: id, labels: {}, groupId: "g", priority: 1, tokenHash: id };
          await log.append([own(-1 - index, "sallyport.primary.enrolled", `/primaries/${id}`, data)]);
        }
        for (const [n, one] of steps.entries()) {
          const last = await log.lastPosition();
          await log.append(eventsOf(one, n, last));
          if (one.kind === "trim") await trim(log, one, last);
        }
        using _rebuilt = await openViews(dir, "rebuilt.sqlite", log);
      }
      for (const set of ["hub", "fleet"]) {
        using found = open(dir, `${set}-views.sqlite`);
        using expected = open(dir, `${set}-rebuilt.sqlite`);
        assert.equal(compareTables(found, expected), undefined);
      }
    }),
    // Counterexamples are small enough to be read as they come; looking for smaller ones takes minutes.
    { numRuns: 60, endOnFailure: true },
  );
});
