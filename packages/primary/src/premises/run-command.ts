import { once } from "node:events";
import { statSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { limits } from "../limits.ts";
import type { Job, LogSeverity } from "../jobs/job.ts";
import { OutputTail, startChild, type RunningChild } from "../processes/child-run.ts";
import type { RunningProcesses } from "../storage/running-processes.ts";
import type { PremisesCommand } from "./commands.ts";
import { ownerProblem } from "./premises-file.ts";

/** How a command ended. */
export interface CommandEnd {
  outcome: "good" | "failed" | "timedOut";
  log: { severity: LogSeverity; message: string }[];
}

/** What a command runs with. */
export interface CommandRun {
  command: PremisesCommand;
  job: Job;
  /** The backup's status, for the command at its end. */
  status?: number;
  processes: RunningProcesses;
  signal: AbortSignal;
}

/** Runs a command of the local administrator. What it is about is told by its environment, never by its arguments. */
export async function runCommand(run: CommandRun): Promise<CommandEnd> {
  const { command, job, status, processes, signal } = run;
  const [program = "", ...args] = command.run;
  const title = `${command.when} command "${command.name}"`;
  const failed = (why: string): CommandEnd => ({
    outcome: "failed",
    log: [{ severity: "ERROR", message: `${title}: ${why}` }],
  });
  const found = statSync(program, { throwIfNoEntry: false });
  const problem = found === undefined ? "there is no such program" : ownerProblem(found, 0o022);
  if (problem !== undefined) return failed(`${program}: ${problem}`);
  const environment = {
    PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    LANG: "C.UTF-8",
    SALLYPORT_POLICY: job.policyName,
    SALLYPORT_SCHEDULE: job.scheduleName,
    SALLYPORT_SCHEDULE_TYPE: job.scheduleType,
    SALLYPORT_CLIENT: job.clientName,
    SALLYPORT_JOB: String(job.id),
    SALLYPORT_STREAM: String(job.streamNumber),
    ...(status === undefined ? {} : { SALLYPORT_STATUS: String(status) }),
  };
  const timeoutMs = command.timeoutSeconds * 1000;
  try {
    const child = await startChild({ program, args, environment, processes, signal, timeoutMs });
    const output = new OutputTail(limits.maxCommandOutputBytes, child.stdout, child.stderr);
    child.stdin.end();
    const { code, killedBy, timedOut } = await child.ended;
    await drained(child);
    const isGood = code === 0;
    const severity: LogSeverity = isGood ? "INFO" : "ERROR";
    const how = timedOut
      ? `had not ended after ${command.timeoutSeconds} s and was killed`
      : code === null
        ? `was ended by ${killedBy}`
        : `ended with exit code ${code}`;
    return {
      outcome: isGood ? "good" : timedOut ? "timedOut" : "failed",
      log: [...output.lines(), how].map((line) => ({ severity, message: `${title}: ${line}` })),
    };
  } catch (error) {
    return failed((error as Error).message);
  }
}

/** Waits for the rest of its output, but not for what it left running in the background with its output open. */
async function drained({ stdout, stderr }: RunningChild): Promise<void> {
  const open = [stdout, stderr].filter((stream) => !stream.closed);
  const rest = Promise.all(open.map((stream) => once(stream, "close")));
  await Promise.race([rest, delay(limits.commandDrainMs, undefined, { ref: false })]);
  stdout.destroy();
  stderr.destroy();
}
