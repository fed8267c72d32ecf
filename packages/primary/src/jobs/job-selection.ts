/** A job that waits for its turn. */
export interface WaitingJob {
  id: number;
  /** Higher goes first; equal ones go in order of their ids. */
  priority: number;
  /** Epoch ms before which it must not begin. */
  dueAtMs: number;
  policyName: string;
  /** Jobs of the policy that may run at once; 0: any number. */
  jobLimit: number;
  /** The storage unit that it uses; a parent uses none, its children do. */
  storageUnit: string | undefined;
}

/** What counts against the bounds of the jobs that run. */
export type RunningJob = Pick<WaitingJob, "policyName" | "storageUnit">;

/** The present moment and the bounds. */
export interface SelectionRules {
  nowMs: number;
  /** Jobs that may use a storage unit at once. */
  maxJobsOf: (storageUnit: string) => number;
  /** Jobs of all storage units and policies. */
  maxJobs: number;
}

/**
 * Chooses the jobs that begin now. A job that has to wait for its policy or its storage unit does not hold up those
 * behind it that need neither.
 */
export function selectJobs<Job extends WaitingJob>(
  waiting: readonly Job[],
  running: readonly RunningJob[],
  rules: SelectionRules,
): Job[] {
  const now: RunningJob[] = [...running];
  return waiting
    .filter(({ dueAtMs }) => dueAtMs <= rules.nowMs)
    .toSorted((a, b) => b.priority - a.priority || a.id - b.id)
    .filter((job) => {
      if (findObstacle(job, now, rules) !== undefined) return false;
      now.push(job);
      return true;
    });
}

/** What a job waits for: a place of the primary, on its storage unit, or of its policy. */
export interface Obstacle {
  kind: "primary" | "storage unit" | "policy";
  /** Empty for the primary. */
  name: string;
  /** Jobs that may run at once. */
  limit: number;
}

/** What keeps a job from beginning beside those that run; undefined when nothing does. */
export function findObstacle(
  job: Pick<WaitingJob, "storageUnit" | "policyName" | "jobLimit">,
  running: readonly RunningJob[],
  { maxJobsOf, maxJobs }: Pick<SelectionRules, "maxJobsOf" | "maxJobs">,
): Obstacle | undefined {
  const { storageUnit, jobLimit, policyName } = job;
  // A parent does nothing itself: it takes no place of a storage unit, and none of its policy either.
  if (storageUnit === undefined) return undefined;
  const working = running.filter((other) => other.storageUnit !== undefined);
  if (working.length >= maxJobs) return { kind: "primary", name: "", limit: maxJobs };
  const limit = maxJobsOf(storageUnit);
  if (working.filter((other) => other.storageUnit === storageUnit).length >= limit) {
    return { kind: "storage unit", name: storageUnit, limit };
  }
  const isFull =
    jobLimit > 0 && working.filter((other) => other.policyName === policyName).length >= jobLimit;
  return isFull ? { kind: "policy", name: policyName, limit: jobLimit } : undefined;
}
