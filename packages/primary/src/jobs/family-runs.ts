import { EventEmitter, once } from "node:events";
import type { Clock } from "../clock.ts";
import { limits } from "../limits.ts";
import { childrenOf, parentStatus } from "./job-family.ts";
import type { JobOutcome } from "./job-lifecycle.ts";
import type { JobWorkContext } from "./job-run.ts";
import type { JobStore } from "./job-store.ts";
import type { Job } from "./job.ts";

/** What the runs of parents work on. */
export interface FamilyRunsOptions {
  jobs: JobStore;
  clock: Clock;
  /** Lets a child wait for its turn. */
  enqueue: (child: Job) => void;
}

/** The work of parents: their children, of which each has a job, a try, a log and an image of its own. */
export class FamilyRuns {
  readonly #options: FamilyRunsOptions;
  /** Emits a job's id when nothing more will happen to it, or not before the next start of the primary. */
  readonly #ends = new EventEmitter().setMaxListeners(0);
  /** What shows how far a parent has come, by its id. */
  readonly #shown = new Map<number, () => void>();

  constructor(options: FamilyRunsOptions) {
    this.#options = options;
  }

  /**
   * Runs a parent's children, those that it has since before the start or new ones; answers undefined when some rest
   * while the primary ends, so that the parent goes on waiting for them after its next start.
   */
  async run(parent: Job, context: JobWorkContext): Promise<JobOutcome | undefined> {
    const { jobs, clock, enqueue } = this.#options;
    const known = jobs.listChildren(parent.id);
    const children =
      known.length > 0 ? known : childrenOf(parent).map((child) => jobs.insert(child, clock.nowMs()));
    const statuses = new Map<number, number>();
    // A child that is DONE may be deleted while others run.
    const note = ({ id, state, status }: Job) => {
      if (state === "DONE") statuses.set(id, status);
    };
    const ends = children.map(async (child) => {
      note(child);
      if (child.state === "DONE") return;
      await once(this.#ends, String(child.id));
      note(jobs.get(child.id));
      context.onProgress(jobs.sumChildren(parent.id));
    });
    this.#showProgress(parent.id, context);
    if (known.length === 0) for (const child of children) enqueue(child);
    await Promise.all(ends);
    this.#shown.delete(parent.id);
    if (statuses.size < children.length) return undefined;
    const log = children.map(({ id, streamNumber }) => ({
      severity: (statuses.get(id) ?? 0) > 1 ? ("ERROR" as const) : ("INFO" as const),
      message: `stream ${streamNumber}, job ${id}: status ${statuses.get(id)}`,
    }));
    const status = context.signal.aborted ? 150 : parentStatus([...statuses.values()]);
    return { status, log, progress: jobs.sumChildren(parent.id) };
  }

  /** Tells that nothing more will happen to a job, or not before the next start. */
  noteEnd(id: number): void {
    this.#ends.emit(String(id));
  }

  /** Tells that a child has come on. */
  noteProgress({ parentId }: Job): void {
    this.#shown.get(parentId)?.();
  }

  #showProgress(parentId: number, context: JobWorkContext): void {
    const { jobs, clock } = this.#options;
    let shownAtMs = -Infinity;
    this.#shown.set(parentId, () => {
      const nowMs = clock.nowMs();
      if (nowMs - shownAtMs < limits.progressIntervalMs) return;
      shownAtMs = nowMs;
      context.onProgress(jobs.sumChildren(parentId));
    });
  }
}
