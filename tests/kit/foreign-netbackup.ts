import type { IncomingMessage, ServerResponse } from "node:http";
import { startTlsServer } from "./tls-server.ts";

/** The API key of the one user of a foreign NetBackup. */
export const foreignKey = "foreign-api-key";

/** A job as a foreign NetBackup holds it; times are epoch ms. */
export interface ForeignJob {
  jobId: number;
  state: string;
  status?: number;
  startMs: number;
  endMs?: number;
  updatedMs: number;
  try?: number;
  parentJobId?: number;
}

/** An image as a foreign NetBackup holds it; times are epoch ms. */
export interface ForeignImage {
  id: string;
  backupMs: number;
  copyMs: number;
  expiresMs?: number;
  copies: number;
  kbytes?: number;
}

/** An answer in place of the right one. */
export interface ForeignFault {
  status: number;
  headers?: Record<string, string>;
  body?: string;
}

/**
 * A NetBackup of another make over real TLS: answers `/admin/jobs` and `/catalog/images` from two lists that a test changes, by cursor or by
 * offset as old versions do, with a clock of its own, and fails when it is told to.
 */
export async function startForeignNetBackup(options: { apiVersion?: number; dir?: string } = {}) {
  const state = {
    jobs: [] as ForeignJob[],
    images: [] as ForeignImage[],
    nowMs: Date.parse("2026-11-24T10:00:00Z"),
    /** Answered first, one after the other. */
    faults: [] as ForeignFault[],
    /** Called with the address of each request before it is answered. */
    before: (_url: URL): void => {},
    /** Addresses of all requests so far. */
    requests: [] as string[],
    /** Requests that are being answered, and the most there ever were. */
    answering: 0,
    mostAnswering: 0,
  };
  const apiVersion = options.apiVersion ?? 14;

  function answer(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? "/", "https://foreign");
    state.requests.push(url.pathname + url.search);
    state.before(url);
    const send = (status: number, body: unknown, headers: Record<string, string> = {}) => {
      const text = typeof body === "string" ? body : JSON.stringify(body);
      response.writeHead(status, { date: new Date(state.nowMs).toUTCString(), ...headers }).end(text);
    };
    const fault = state.faults.shift();
    if (fault !== undefined) return send(fault.status, fault.body ?? "", fault.headers);
    if (request.headers.authorization !== foreignKey)
      return send(401, { errorCode: 8000, errorMessage: "no" });
    const [, asked = "1"] = /version=(\d+)/.exec(request.headers.accept ?? "") ?? [];
    if (Number(asked) > apiVersion) return send(406, { errorCode: 406, errorMessage: "version" });
    const [, , kind, list, id] = url.pathname.split("/").map(decodeURIComponent);
    if (`${kind}/${list}` === "admin/jobs") return jobs(url, id, Number(asked), send);
    if (`${kind}/${list}` === "catalog/images") return images(url, id, send);
    return send(404, { errorCode: 404, errorMessage: "there is nothing" });
  }

  type Send = (status: number, body: unknown) => void;

  function jobs(url: URL, id: string | undefined, version: number, send: Send): void {
    if (id !== undefined)
      return one(
        state.jobs.find(({ jobId }) => jobId === Number(id)),
        jobResource,
        send,
      );
    const filter = url.searchParams.get("filter") ?? "";
    const since = timeIn(/^lastUpdateTime ge (\S+)$/, filter);
    if (since === undefined && filter !== "state ne 'DONE'")
      return send(400, { errorCode: 1, errorMessage: filter });
    const found = state.jobs
      .filter((job) => (since === undefined ? job.state !== "DONE" : job.updatedMs >= since))
      .sort((a, b) => a.jobId - b.jobId);
    if (version < 9) return send(200, byOffset(found.map(jobResource), url));
    const after = Number(url.searchParams.get("page[after]") ?? 0);
    const limit = Number(url.searchParams.get("page[limit]"));
    const rest = found.filter(({ jobId }) => jobId > after);
    const page = rest.slice(0, limit);
    const next = rest.length > limit ? { next: String(page.at(-1)?.jobId) } : {};
    return send(200, { data: page.map(jobResource), meta: { pagination: { limit, ...next } } });
  }

  function images(url: URL, id: string | undefined, send: Send): void {
    if (id !== undefined)
      return one(
        state.images.find((image) => image.id === id),
        imageResource,
        send,
      );
    const since =
      timeIn(/^backupTime ge (\S+)$/, url.searchParams.get("filter") ?? "") ?? state.nowMs - 86_400_000;
    // Newest first, as NetBackup lists them: a new one moves all others.
    const found = state.images
      .filter(({ backupMs }) => backupMs >= since)
      .sort((a, b) => b.backupMs - a.backupMs);
    return send(200, byOffset(found.map(imageResource), url));
  }

  const tls = await startTlsServer(
    (request, response) => {
      state.answering += 1;
      state.mostAnswering = Math.max(state.mostAnswering, state.answering);
      response.on("close", () => (state.answering -= 1));
      answer(request, response);
    },
    options.dir === undefined ? {} : { dir: options.dir },
  );
  return { ...tls, state };
}

function one<Item>(
  item: Item | undefined,
  show: (item: Item) => object,
  send: (status: number, body: unknown) => void,
) {
  if (item === undefined) return send(404, { errorCode: 227, errorMessage: "no entity was found" });
  return send(200, { data: show(item) });
}

function timeIn(pattern: RegExp, filter: string): number | undefined {
  const [, time] = pattern.exec(filter) ?? [];
  return time === undefined ? undefined : Date.parse(time);
}

function byOffset(found: readonly object[], url: URL) {
  const limit = Number(url.searchParams.get("page[limit]"));
  const offset = Number(url.searchParams.get("page[offset]") ?? 0);
  const next = offset + limit < found.length ? { next: offset + limit } : {};
  return {
    data: found.slice(offset, offset + limit),
    meta: { pagination: { limit, offset, count: found.length, ...next } },
  };
}

function jobResource(job: ForeignJob) {
  const { jobId, state, status, startMs, endMs, updatedMs, parentJobId = 0 } = job;
  return {
    type: "job",
    id: String(jobId),
    attributes: {
      jobId,
      parentJobId,
      jobType: "BACKUP",
      state,
      // Real servers leave both out while the job is not over.
      ...(status === undefined ? {} : { status }),
      ...(endMs === undefined ? {} : { endTime: new Date(endMs).toISOString() }),
      policyName: "nightly",
      policyType: "STANDARD",
      scheduleType: "DIFFERENTIAL_INCREMENTAL_BACKUP",
      clientName: "client",
      try: job.try ?? 1,
      startTime: new Date(startMs).toISOString(),
      lastUpdateTime: new Date(updatedMs).toISOString(),
    },
  };
}

function imageResource({ id, backupMs, copyMs, expiresMs, copies, kbytes = 1 }: ForeignImage) {
  const expiration = expiresMs === undefined ? null : new Date(expiresMs).toISOString();
  return {
    type: "image",
    id,
    attributes: {
      policyType: "MS-Windows",
      clientName: "client",
      policyName: "nightly",
      backupTime: new Date(backupMs).toISOString(),
      expiration,
      elapsedTimeSeconds: 10,
      kbytes,
      numCopies: copies,
      fragments: Array.from({ length: copies }, (_, index) => ({
        copyNumber: index + 1,
        copyDate: new Date(copyMs).toISOString(),
        expiration,
        mediaId: "@aaaab",
      })),
    },
  };
}
