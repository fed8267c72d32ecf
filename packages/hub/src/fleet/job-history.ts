import type { StoredEvent } from "../log/log.ts";
import { epochMsOf, membersOf, textOf, wholeOf } from "./item-members.ts";

/** What of a job does not change while it runs. */
export interface JobDetail {
  parentJobId: number | null;
  jobType: string;
  policyName: string;
  policyType: string;
  scheduleType: string;
  clientName: string;
}

/** One notification about a job. */
export interface JobItem {
  position: number;
  /** When the hub stored it, epoch ms. */
  timeMs: number;
  /** In upper case; "" when it said none. */
  state: string;
  status: number | null;
  /** Epoch ms; null when it said none. */
  startMs: number | null;
  detail: JobDetail;
}

/** How a job counts. */
export type Outcome = "queued" | "active" | "ok" | "partial" | "failed";

/** A job as its notifications tell it, taken together. */
export interface CurrentJob extends JobItem {
  outcome: Outcome;
  /** What it is sorted by: its start, or its first notification when it says none. Epoch ms. */
  sortMs: number;
}

/**
 * Notifications of a job that are kept and count. A job has three; of one that is notified more often the oldest are forgotten. That
 * this is always the *newest* so many is what makes a view after retention equal to one folded from what retention has left.
 */
export const keptJobItems = 16;

/** Reads a notification of a job leniently; undefined when it names no job. */
export function toJobItem(event: StoredEvent): { jobId: number; item: JobItem } | undefined {
  if (!event.type.startsWith("netbackup.job.")) return undefined;
  const members = membersOf(event.data);
  const jobId = wholeOf(members["jobId"]);
  if (jobId === null) return undefined;
  const state = textOf(members["state"]).toUpperCase();
  const detail: JobDetail = {
    parentJobId: wholeOf(members["parentJobId"]),
    jobType: textOf(members["jobType"]),
    policyName: textOf(members["policyName"]),
    policyType: textOf(members["policyType"]),
    scheduleType: textOf(members["scheduleType"]),
    clientName: textOf(members["clientName"]),
  };
  const status = wholeOf(members["status"]);
  const startMs = epochMsOf(members["startTime"]);
  const timeMs = Date.parse(event.time) || 0;
  return { jobId, item: { position: event.position, timeMs, state, status, startMs, detail } };
}

/** Adds a notification to those that are kept. */
export function addJobItem(items: readonly JobItem[], item: JobItem): JobItem[] {
  return [...items, item].slice(-keptJobItems);
}

/**
 * What a job's notifications say together, in the order in which they were stored.
 * - A later start is a newer run (restarted, or its id used again) and wins; an earlier one came late and loses.
 * - Within a run DONE stays DONE: what says ACTIVE afterwards came late. Otherwise the newest word counts, so a job may be queued again.
 * - Without a start, an item belongs to the run that is known; a run that started after DONE was heard of is a newer one.
 */
export function currentJob(items: readonly [JobItem, ...JobItem[]]): CurrentJob {
  let current: JobItem = items[0];
  for (const next of items.slice(1)) {
    if (supersedes(next, current)) {
      current = { ...next, startMs: next.startMs ?? current.startMs };
    } else if (current.startMs === null && next.startMs !== null) {
      current = { ...current, startMs: next.startMs };
    }
  }
  const status = current.state === "DONE" ? current.status : null;
  return {
    ...current,
    status,
    outcome: outcomeOf(current.state, status),
    sortMs: current.startMs ?? items[0].timeMs,
  };
}

function supersedes(next: JobItem, current: JobItem): boolean {
  if (next.startMs !== null && current.startMs !== null && next.startMs !== current.startMs) {
    return next.startMs > current.startMs;
  }
  if (current.state !== "DONE" || next.state === "DONE") return true;
  return next.startMs !== null && current.startMs === null && next.startMs > current.timeMs;
}

function outcomeOf(state: string, status: number | null): Outcome {
  if (state !== "DONE") return state.includes("QUEUED") ? "queued" : "active";
  if (status === 0) return "ok";
  return status === 1 ? "partial" : "failed";
}

type DetailRow = readonly [number | null, string, string, string, string, string];
type ItemRow = readonly [
  position: number,
  timeMs: number,
  state: string,
  status: number | null,
  startMs: number | null,
  detail?: DetailRow,
];

/** Writes the notifications down, as text; a detail only where it differs from the current one. */
export function encodeJobItems(items: readonly JobItem[], current: JobDetail): string {
  const usual = JSON.stringify(toDetailRow(current));
  const rows = items.map(({ position, timeMs, state, status, startMs, detail }): ItemRow => {
    const row = toDetailRow(detail);
    const isUsual = JSON.stringify(row) === usual;
    return isUsual
      ? [position, timeMs, state, status, startMs]
      : [position, timeMs, state, status, startMs, row];
  });
  return JSON.stringify(rows);
}

/** Reads what `encodeJobItems` wrote. */
export function decodeJobItems(text: string, current: JobDetail): JobItem[] {
  const rows = JSON.parse(text) as ItemRow[];
  return rows.map(([position, timeMs, state, status, startMs, detail]) => ({
    position,
    timeMs,
    state,
    status,
    startMs,
    detail: detail === undefined ? current : toDetail(detail),
  }));
}

function toDetailRow(detail: JobDetail): DetailRow {
  const { parentJobId, jobType, policyName, policyType, scheduleType, clientName } = detail;
  return [parentJobId, jobType, policyName, policyType, scheduleType, clientName];
}

function toDetail([
  parentJobId,
  jobType,
  policyName,
  policyType,
  scheduleType,
  clientName,
]: DetailRow): JobDetail {
  return { parentJobId, jobType, policyName, policyType, scheduleType, clientName };
}
