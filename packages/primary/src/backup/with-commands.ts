import type { JobOutcome } from "../jobs/job-lifecycle.ts";
import { statusOfError } from "../jobs/job-run.ts";
import type { Job } from "../jobs/job.ts";
import { commandFor, type CommandFile } from "../premises/commands.ts";
import { runCommand, type CommandEnd } from "../premises/run-command.ts";
import type { RunningProcesses } from "../storage/running-processes.ts";

/** What the commands round a backup run with. */
export interface CommandsOptions {
  commands: Pick<CommandFile, "list">;
  processes: RunningProcesses;
  /** Aborted when the job is cancelled. */
  signal: AbortSignal;
}

const startStatus = { good: 0, failed: 73, timedOut: 74 } as const;
const endStatus = { good: 0, failed: 77, timedOut: 75 } as const;

/**
 * Runs the policy's start command, the backup, and the policy's end command. Without a good start there is no backup; the
 * end command runs whatever has happened, since what the start command stopped has to go on, and also when the job was
 * cancelled. An end command that fails leaves the image, and shows in the job's status.
 */
export async function withCommands(
  options: CommandsOptions,
  job: Job,
  backUp: () => Promise<JobOutcome>,
): Promise<JobOutcome> {
  const commands = options.commands.list();
  const { policyName, scheduleName } = job;
  const start = commandFor(commands, { when: "start", policyName, scheduleName });
  const end = commandFor(commands, { when: "end", policyName, scheduleName });
  const { processes, signal } = options;
  const started: CommandEnd =
    start === undefined
      ? { outcome: "good", log: [] }
      : await runCommand({ command: start, job, processes, signal });
  const status = signal.aborted ? 150 : startStatus[started.outcome];
  const outcome = status === 0 ? await settled(backUp, job, signal, end !== undefined) : { status, log: [] };
  const log = [...started.log, ...(outcome.log ?? [])];
  if (end === undefined) return { ...outcome, log };
  // Bounded by its own timeout: a cancel must not keep it from its work.
  const ended = await runCommand({
    command: end,
    job,
    status: outcome.status,
    processes,
    signal: new AbortController().signal,
  });
  return {
    ...outcome,
    status: outcome.status > 1 ? outcome.status : endStatus[ended.outcome] || outcome.status,
    log: [...log, ...ended.log],
  };
}

/** A backup that throws must not keep the end command from running; without one the job tells it as it always does. */
async function settled(
  backUp: () => Promise<JobOutcome>,
  job: Job,
  signal: AbortSignal,
  hasEnd: boolean,
): Promise<JobOutcome> {
  if (!hasEnd) return backUp();
  try {
    return await backUp();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return {
      status: signal.aborted ? 150 : statusOfError(error, job.type),
      log: [{ severity: "ERROR", message }],
    };
  }
}
