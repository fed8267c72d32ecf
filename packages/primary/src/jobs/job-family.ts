import { z } from "zod";
import type { Job, NewJob } from "./job.ts";

const familySchema = z.object({
  streams: z.array(z.unknown()),
  /** The number of each stream, when they are not all that the policy has; else they are counted from 1. */
  numbers: z.array(z.int()).optional(),
});

/** Whether a job does nothing itself but run children, one for each of its request's `streams`. */
export function isParent(job: Pick<Job, "request">): boolean {
  const { request } = job;
  return typeof request === "object" && request !== null && "streams" in request;
}

/** How many jobs will have to wait for their turn when this one is asked for. */
export function jobsOf(job: Pick<Job, "request">): number {
  return familySchema.safeParse(job.request).data?.streams.length ?? 1;
}

/** The children that a parent runs, which take over what was asked of it. */
export function childrenOf(parent: Job): NewJob[] {
  return streamsOf(parent).map(({ number, request }) => ({
    type: parent.type,
    clientName: parent.clientName,
    policyName: parent.policyName,
    policyType: parent.policyType,
    scheduleName: parent.scheduleName,
    storageUnit: parent.storageUnit,
    owner: parent.owner,
    priority: parent.priority,
    jobLimit: parent.jobLimit,
    maxTries: parent.maxTries,
    windowEndMs: parent.windowEndMs,
    subType: parent.subType,
    scheduleType: parent.scheduleType,
    parentId: parent.id,
    streamNumber: number,
    request,
  }));
}

/**
 * What a restart of a parent has to do: the streams that have no image, under the numbers that they had.
 * @param children those that are still known
 */
export function failedStreams(parent: Job, children: readonly Job[]): unknown {
  const good = new Set(
    children.filter(({ state, status }) => state === "DONE" && status <= 1).map((job) => job.streamNumber),
  );
  const failed = streamsOf(parent).filter(({ number }) => !good.has(number));
  return {
    streams: failed.map(({ request }) => request),
    numbers: failed.map(({ number }) => number),
  };
}

/** A parent's status: 0 when all children have 0, 1 when some have made an image, else the first child's failure. */
export function parentStatus(statuses: readonly number[]): number {
  const worst = statuses.find((status) => status > 1);
  if (worst !== undefined) return statuses.some((status) => status <= 1) ? 1 : worst;
  return statuses.includes(1) ? 1 : 0;
}

function streamsOf(parent: Pick<Job, "request">): { number: number; request: unknown }[] {
  const { streams, numbers } = familySchema.parse(parent.request);
  return streams.map((request, index) => ({ number: numbers?.[index] ?? index + 1, request }));
}
