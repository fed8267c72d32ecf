import { z } from "zod";
import type { JobItem } from "@sallyport/nbwss";
import type { OutgoingNotification } from "../outbox/outbox.ts";
import { isoMs } from "./iso-time.ts";
import { wireScheduleType } from "./wire-words.ts";

/** The states that a notification knows (NBWSS, NOTIFICATION). */
export type WireState = "QUEUED" | "ACTIVE" | "DONE";

/** A job as the REST API showed it, in the words of notifications. */
export interface SeenJob {
  jobId: number;
  state: WireState;
  status: number;
  /** Epoch ms; undefined while it is not over. */
  endedAtMs: number | undefined;
  attempt: number;
  /** When the server changed it last, by the server's clock, epoch ms. */
  updatedAtMs: number;
  item: JobItem;
}

/** What is remembered of a job: enough to tell whether it has changed. */
export type KnownJob = Omit<SeenJob, "item">;

/** What one page of jobs came to. */
export interface JobChanges {
  notifications: OutgoingNotification[];
  /** What is to be remembered from now on, in place of what was. */
  rows: KnownJob[];
}

/** NetBackup's states that stand for one of the three: what waits is QUEUED, also when it waits for an administrator. */
const wireStates: Readonly<Record<string, WireState>> = {
  QUEUED: "QUEUED",
  REQUEUED: "QUEUED",
  SUSPENDED: "QUEUED",
  INCOMPLETE: "QUEUED",
  ACTIVE: "ACTIVE",
  DONE: "DONE",
};

const text = z.string().catch("");
const time = z
  .string()
  .optional()
  .transform((value) => (value === undefined ? undefined : isoMs(value)));

/** What is read of a job of `/admin/jobs`; old versions leave out much of it while the job is not over. */
const jobResource = z.object({
  attributes: z.object({
    jobId: z.int().positive(),
    // 0 for a job without a parent.
    parentJobId: z.int().catch(0),
    jobType: text,
    state: z.string().refine((state) => Object.hasOwn(wireStates, state), "is no state of a job"),
    status: z.int().catch(0),
    policyName: text,
    policyType: text,
    scheduleType: text,
    clientName: text,
    try: z.int().catch(0),
    startTime: time,
    endTime: time,
    lastUpdateTime: time,
  }),
});

/**
 * Reads a job of `/admin/jobs`.
 * @throws ZodError when it is none
 */
export function readJob(resource: unknown): SeenJob {
  const { attributes: job } = jobResource.parse(resource);
  const state = wireStates[job.state] ?? "QUEUED";
  const { jobId, jobType, policyName, policyType, clientName, startTime = 0 } = job;
  // "Not yet" is 1970 in old versions.
  const endedAtMs = job.endTime === undefined || job.endTime <= 0 ? undefined : job.endTime;
  return {
    jobId,
    state,
    status: state === "DONE" ? job.status : 0,
    endedAtMs: state === "DONE" ? endedAtMs : undefined,
    attempt: job.try,
    updatedAtMs: job.lastUpdateTime ?? endedAtMs ?? startTime,
    item: {
      jobId,
      parentJobId: job.parentJobId === 0 ? jobId : job.parentJobId,
      jobType,
      state,
      status: state === "DONE" ? job.status : 0,
      policyName,
      policyType,
      scheduleType: wireScheduleType(job.scheduleType),
      clientName,
      startTime: Math.max(0, Math.floor(startTime / 1000)),
    },
  };
}

/**
 * Compares what is remembered of jobs with a page of them: a job is told of when it is seen for the first time, when it goes from one of
 * the three states to another, and when it is DONE anew (NBWSS, NOTIFICATION: states are polled, so some may be skipped).
 * The order of the page is kept; a job that stands on it twice is compared twice.
 */
export function compareJobs(known: ReadonlyMap<number, KnownJob>, page: readonly SeenJob[]): JobChanges {
  const now = new Map(known);
  const notifications: OutgoingNotification[] = [];
  const changed = new Map<number, KnownJob>();
  for (const { item, ...job } of page) {
    const before = now.get(job.jobId);
    if (before === undefined || isNews(before, job)) {
      notifications.push({ notificationType: "INFO", object: "JOB", data: [item] });
    }
    now.set(job.jobId, job);
    changed.set(job.jobId, job);
  }
  return { notifications, rows: [...changed.values()] };
}

function isNews(before: KnownJob, job: KnownJob): boolean {
  if (before.state !== job.state) return true;
  if (job.state !== "DONE") return false;
  // Restarted and over again between two looks.
  return before.status !== job.status || before.endedAtMs !== job.endedAtMs || before.attempt !== job.attempt;
}
