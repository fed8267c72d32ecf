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
}

/**
 * Chooses the jobs that begin now. A job that has to wait for its policy or its storage unit does not hold up those
 * behind it that need neither.
 */
export function selectJobs(
  waiting: readonly WaitingJob[],
  running: readonly RunningJob[],
  { nowMs, maxJobsOf }: SelectionRules,
): WaitingJob[] {
  const now = [...running];
  const usesOf = (unit: string) => now.filter(({ storageUnit }) => storageUnit === unit).length;
  // A parent does nothing itself: it takes no place of its policy either.
  const ofPolicy = (name: string) =>
    now.filter(({ policyName, storageUnit }) => policyName === name && storageUnit !== undefined).length;
  return waiting
    .filter(({ dueAtMs }) => dueAtMs <= nowMs)
    .toSorted((a, b) => b.priority - a.priority || a.id - b.id)
    .filter((job) => {
      const { storageUnit, jobLimit, policyName } = job;
      if (storageUnit !== undefined && usesOf(storageUnit) >= maxJobsOf(storageUnit)) return false;
      if (storageUnit !== undefined && jobLimit > 0 && ofPolicy(policyName) >= jobLimit) return false;
      now.push(job);
      return true;
    });
}
