import assert from "node:assert/strict";
import { EventEmitter, once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { request, type RequestOptions } from "node:https";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import pino from "pino";
import { createPrimary, type Primary, type PrimaryListener, type PrimaryOptions } from "../primary.ts";
import { contractProblems } from "./contract.ts";
import { makeQuickRepository } from "./quick-repository.ts";
import type { ImageNotificationItem, JobNotificationItem, Notification } from "../journal/notification.ts";

/** The one user of a test's primary. */
export const credentials = { userName: "backupadmin", password: "correct horse" };
/** The name of a test's primary, and of its client. */
export const clientName = hostname();
const json = "application/vnd.netbackup+json;version=14.0";

/** A folder for one test, removed with it. */
export async function temporaryFolder(): Promise<AsyncDisposable & { path: string }> {
  const path = await mkdtemp(join(tmpdir(), "sallyport-primary-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** Keeps notifications in memory and lets tests wait for them. */
export class TestJournal {
  readonly items: Notification[] = [];
  readonly #events = new EventEmitter().setMaxListeners(100);

  append(notifications: readonly Notification[]): void {
    this.items.push(...notifications);
  }

  flush(): void {
    this.#events.emit("flush");
  }

  jobs(): JobNotificationItem[] {
    return this.items.flatMap((item) => (item.object === "JOB" ? item.data : []));
  }

  images(): ImageNotificationItem[] {
    return this.items.flatMap((item) => (item.object === "IMAGE" ? item.data : []));
  }

  /** Waits until `find` finds something. */
  async until<T>(find: () => T | undefined): Promise<T> {
    for (;;) {
      const found = find();
      if (found !== undefined) return found;
      await once(this.#events, "flush");
    }
  }

  jobDone(jobId: number): Promise<JobNotificationItem> {
    return this.until(() => this.jobs().find((item) => item.jobId === jobId && item.state === "DONE"));
  }

  imageDeleted(backupId: string): Promise<ImageNotificationItem> {
    const isIt = (item: ImageNotificationItem) => item.backupId === backupId && item.operationId === "DELETE";
    return this.until(() => this.images().find(isIt));
  }
}

/** An answer of the API. */
export interface Answer {
  status: number;
  headers: Readonly<Record<string, string | string[] | undefined>>;
  text: string;
  /** The body as JSON; null when it is empty. */
  body: unknown;
}

/** What a request to the API consists of. */
export interface Call {
  method?: string;
  path: string;
  headers?: Readonly<Record<string, string>>;
  /** An object is sent as JSON. */
  body?: object | string | Buffer;
}

/** A primary on a real TLS listener, with a user who has logged in. */
export class TestPrimary implements AsyncDisposable {
  readonly primary: Primary;
  readonly listener: PrimaryListener;
  readonly journal: TestJournal;
  readonly events: EventEmitter;
  token = "";

  constructor(parts: {
    primary: Primary;
    listener: PrimaryListener;
    journal: TestJournal;
    events: EventEmitter;
  }) {
    this.primary = parts.primary;
    this.listener = parts.listener;
    this.journal = parts.journal;
    this.events = parts.events;
  }

  /** Makes a request; its answer has to be as NetBackup's documents say, refusals as well. */
  async call({ method = "GET", path, headers = {}, body }: Call): Promise<Answer> {
    const sent = typeof body === "string" || Buffer.isBuffer(body) ? body : body && JSON.stringify(body);
    const options: RequestOptions & { headers: Record<string, string | number> } = {
      method,
      ca: this.listener.certificate?.caPem,
      headers: {
        ...(this.token === "" ? {} : { authorization: this.token }),
        accept: json,
        ...(sent === undefined ? {} : { "content-type": json, "content-length": Buffer.byteLength(sent) }),
        ...headers,
      },
    };
    if (headers["transfer-encoding"] !== undefined) delete options.headers["content-length"];
    const outgoing = request(`${this.listener.url}/netbackup${path}`, options);
    outgoing.end(sent);
    const [incoming] = (await once(outgoing, "response")) as [IncomingMessage];
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    const isJson = String(incoming.headers["content-type"]).includes("json");
    const answer = {
      status: incoming.statusCode ?? 0,
      headers: incoming.headers,
      text,
      body: isJson && text !== "" ? (JSON.parse(text) as unknown) : null,
    };
    assert.deepEqual(contractProblems(method, path, answer), [], `${method} ${path}: ${text.slice(0, 2000)}`);
    return answer;
  }

  /** Makes a request and expects a status; "METHOD /path", GET without a method. */
  async expect(status: number, request: string, rest: Omit<Call, "path" | "method"> = {}): Promise<Answer> {
    const [, method = "GET", path = ""] = /^(?:([A-Z]+) )?(\/.*)$/s.exec(request) ?? [];
    const answer = await this.call({ method, path, ...rest });
    assert.equal(answer.status, status, `${request}: ${answer.text}`);
    return answer;
  }

  async logIn(): Promise<void> {
    const answer = await this.call({ method: "POST", path: "/login", body: credentials });
    this.token = (answer.body as { token: string }).token;
  }

  async createPolicy(policyName: string, selections: string[]): Promise<Answer> {
    return this.call({ method: "POST", path: "/config/policies/", body: policyBody(policyName, selections) });
  }

  /** Starts the backup of a policy and answers its job's number. */
  async startBackup(policyName: string): Promise<number> {
    const answer = await this.call({
      method: "POST",
      path: "/admin/manual-backup",
      body: { data: { type: "backupRequest", attributes: { policyName } } },
    });
    const { data } = answer.body as { data: { attributes: { jobId: number } }[] };
    return data[0]?.attributes.jobId ?? 0;
  }

  /** Backs up a policy and answers how that ended. */
  async backUp(policyName: string): Promise<{ jobId: number; status: number; backupId: string | undefined }> {
    const jobId = await this.startBackup(policyName);
    const { status } = await this.journal.jobDone(jobId);
    const attributes = await this.job(jobId);
    return { jobId, status, backupId: attributes["backupId"] as string | undefined };
  }

  async job(jobId: number): Promise<Record<string, unknown>> {
    const answer = await this.call({ path: `/admin/jobs/${jobId}` });
    return (answer.body as { data: { attributes: Record<string, unknown> } }).data.attributes;
  }

  /** The lines of a job's log, joined. */
  async log(jobId: number): Promise<string> {
    const answer = await this.call({ path: `/admin/jobs/${jobId}/try-logs` });
    const { data } = answer.body as { data: { attributes: { tryLog: { message: string }[] } }[] };
    return (data[0]?.attributes.tryLog ?? []).map(({ message }) => message).join("\n");
  }

  /** Starts a restore and answers the API's answer. */
  async startRestore(restore: {
    backupId: string;
    paths: string[];
    renames?: { from: string; to: string }[];
    overwriteExistingFiles?: boolean;
  }): Promise<Answer> {
    const backupTime = backupTimeOf(restore.backupId);
    return this.call({
      method: "POST",
      path: recoverPath,
      ...multipart({
        recoveryRequest: recoveryRequest(backupTime, restore.overwriteExistingFiles ?? false),
        selectionsFile: restore.paths.map((path) => ({ path, backupTime })),
        ...(restore.renames === undefined ? {} : { renameFile: restore.renames }),
      }),
    });
  }

  /** Restores and answers how that ended. */
  async restore(
    restore: Parameters<TestPrimary["startRestore"]>[0],
  ): Promise<{ jobId: number; status: number }> {
    const answer = await this.startRestore(restore);
    const { data } = answer.body as { data: { id: number } };
    const { status } = await this.journal.jobDone(data.id);
    return { jobId: data.id, status };
  }

  /** Waits for the next log event of a name that is about a job. */
  async event(name: string, jobId?: number): Promise<Record<string, unknown>> {
    for (;;) {
      const [line] = (await once(this.events, name)) as [Record<string, unknown>];
      if (jobId === undefined || line["jobId"] === jobId) return line;
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.primary.close();
  }
}

/**
 * Starts a primary on a data folder; on one that is not there yet with a repository that opens quickly, unless the primary is to make
 * its own.
 */
export async function startTestPrimary(
  dataDir: string,
  { makesRepository = false, ...options }: Partial<PrimaryOptions> & { makesRepository?: boolean } = {},
): Promise<TestPrimary> {
  if (!makesRepository && !existsSync(dataDir)) makeQuickRepository(dataDir);
  const journal = new TestJournal();
  const events = new EventEmitter().setMaxListeners(100);
  const log = pino(
    { level: "debug" },
    {
      write: (line: string) => {
        const event = JSON.parse(line) as { msg: string };
        events.emit(event.msg, event);
      },
    },
  );
  const primary = await createPrimary({
    dataDir,
    hostName: clientName,
    log,
    firstUser: credentials,
    journal: () => journal,
    ...options,
  });
  const listener = await primary.listen({ host: "127.0.0.1", port: 0 });
  const test = new TestPrimary({ primary, listener, journal, events });
  await test.logIn();
  return test;
}

/** A policy of this machine as a client sends it. */
export function policyBody(policyName: string, selections: string[]) {
  const policy = {
    policyName,
    policyType: "Standard",
    policyAttributes: { active: true, storage: null, jobLimit: 2147483647 },
    clients: [{ hostName: clientName, OS: "Linux", hardware: "Linux" }],
    schedules: [{ scheduleName: "full", scheduleType: "Frequency", backupType: "Full Backup" }],
    backupSelections: { selections },
  };
  return { data: { type: "policy", id: policyName, attributes: { policy } } };
}

/** Where restores of files are asked for. */
export const recoverPath = "/recovery/workloads/physical/scenarios/granular-files-folders/recover";

/** The time in a backup id as NetBackup writes it. */
export function backupTimeOf(backupId: string): string {
  return new Date(Number(backupId.slice(backupId.lastIndexOf("_") + 1)) * 1000).toISOString();
}

/** The recoveryRequest part of a restore. */
export function recoveryRequest(backupTime: string, overwriteExistingFiles: boolean) {
  return {
    data: {
      type: "physicalFilesFoldersRecoveryRequest",
      attributes: {
        recoveryPoint: {
          client: clientName,
          policyType: "STANDARD",
          startDate: backupTime,
          endDate: backupTime,
        },
        recoveryOptions: { server: clientName, destinationClient: clientName, overwriteExistingFiles },
      },
    },
  };
}

/** A multipart request as NetBackup's own clients write it: every part is a file "blob" of a type of its own. */
export function multipart(parts: Readonly<Record<string, unknown>>): Pick<Call, "headers" | "body"> {
  const boundary = "----sallyport-test";
  const body = Object.entries(parts).map(([name, value]) =>
    [
      `--${boundary}`,
      `Content-Disposition: form-data; name="${name}"; filename="blob"`,
      "Content-Type: multipart/vnd.netbackup+form-data;version=5.0;charset=UTF-8",
      "",
      typeof value === "string" ? value : JSON.stringify(value),
      "",
    ].join("\r\n"),
  );
  return {
    headers: { "content-type": `multipart/form-data; boundary=${boundary}` },
    body: `${body.join("")}--${boundary}--\r\n`,
  };
}
