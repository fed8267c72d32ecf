import { z } from "zod";
import type { Job, NewJob } from "./job.ts";

const familySchema = z.object({ streams: z.array(z.unknown()) });

/** Whether a job does nothing itself but run children, one for each of its request's `streams`. */
export function isParent(job: Pick<Job, "request">): boolean {
  return familySchema.safeParse(job.request).success;
}

/** The children that a parent runs, which take over what was asked of it. */
export function childrenOf(parent: Job): NewJob[] {
  const { streams } = familySchema.parse(parent.request);
  return streams.map((request, index) => ({
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
    streamNumber: index + 1,
    request,
  }));
}

/** A parent's status: 0 when all children have 0, 1 when some have made an image, else the first child's failure. */
export function parentStatus(statuses: readonly number[]): number {
  const worst = statuses.find((status) => status > 1);
  if (worst !== undefined) return statuses.some((status) => status <= 1) ? 1 : worst;
  return statuses.includes(1) ? 1 : 0;
}
