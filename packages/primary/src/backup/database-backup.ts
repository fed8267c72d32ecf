import { pipeline } from "node:stream/promises";
import { dumpCommand } from "../databases/dump-command.ts";
import { dumpStatus } from "../databases/dump-status.ts";
import { limits } from "../limits.ts";
import type { PremisesDatabase } from "../premises/databases.ts";
import { privateFileProblem } from "../premises/premises-file.ts";
import { OutputTail, startChild, type ChildEnd, type RunningChild } from "../processes/child-run.ts";
import { describeErrorLine, type BackupSummary } from "../storage/restic-output.ts";
import type { ResticResult } from "../storage/restic-process.ts";
import type { RunningProcesses } from "../storage/running-processes.ts";
import { backupStatus } from "./backup-status.ts";
import type { BackupSource, SourceRun } from "./backup-source.ts";

/** What the backup of a database works with. */
export interface DatabaseBackupOptions {
  findDatabase: (name: string) => PremisesDatabase | undefined;
  processes: RunningProcesses;
}

/**
 * Backs up a database: its dump is restic's standard input, and the end of that input is withheld until the dump has
 * ended well. A dump that fails, whenever and however, therefore leaves no snapshot.
 */
export function databaseBackup({ findDatabase, processes }: DatabaseBackupOptions): BackupSource {
  return async (run) => {
    const name = run.selections[0] ?? "";
    const database = findDatabase(name);
    if (database === undefined) return refused(71, `there is no database "${name}" on this primary any more`);
    const problem = credentialProblem(database);
    if (problem !== undefined) return refused(160, problem);
    const { program, args, environment, path } = dumpCommand(database);
    let dump: RunningChild;
    try {
      dump = await startChild({ program, args, environment, processes, signal: run.signal });
    } catch (error) {
      return refused(49, `the program "${program}" can't be started: ${(error as Error).message}`);
    }
    dump.stdin.end();
    return backUpStream(run, dump, { path, program });
  };
}

async function backUpStream(
  run: SourceRun,
  dump: RunningChild,
  { path, program }: { path: string; program: string },
) {
  const errors = new OutputTail(limits.maxCommandOutputBytes, dump.stderr);
  const stop = new AbortController();
  let summary: BackupSummary | undefined;
  let dumpEnd: ChildEnd | undefined;
  const result = await run.unit.restic.backupStream({
    ...run.snapshot,
    path,
    signal: AbortSignal.any([run.signal, stop.signal]),
    onStart: run.onProcess,
    onMessage: (message) => {
      if (message.message_type === "summary") summary = message;
      else run.onProgress(message);
    },
    feed: async (stdin) => {
      try {
        await pipeline(dump.stdout, stdin, { end: false });
        dumpEnd = await dump.ended;
      } catch {
        // Restic has ended, and says itself why: nobody reads the dump any more.
        dump.stdout.destroy();
        dumpEnd = await dump.ended;
        return false;
      }
      if (dumpEnd.code === 0) return true;
      stop.abort();
      return false;
    },
  });
  // When restic could not even be fed, the dump ends with its output.
  dump.stdout.destroy();
  dumpEnd ??= await dump.ended;
  const cancelled = run.signal.aborted;
  const status = streamStatus(result, errors.lines(), {
    cancelled,
    wasStopped: stop.signal.aborted,
  });
  const severity = status === 0 ? ("INFO" as const) : ("ERROR" as const);
  const lines = [
    ...errors.lines().map((line) => `${program}: ${line}`),
    ...(dumpEnd.code === 0 ? [] : [`${program} ended with ${dumpEnd.code ?? dumpEnd.killedBy}`]),
    ...result.errorLines.map((line) => `restic: ${describeErrorLine(line)}`),
  ];
  if (status === 0) await run.unit.restic.confirm({ name: "backupId", value: run.job.backupId ?? "" });
  return { status, log: lines.map((message) => ({ severity, message })), summary };
}

function streamStatus(
  result: ResticResult,
  errorLines: readonly string[],
  circumstances: { cancelled: boolean; wasStopped: boolean },
): number {
  const { cancelled, wasStopped } = circumstances;
  if (cancelled) return 150;
  if (wasStopped) return dumpStatus(errorLines);
  return backupStatus(result, { cancelled, missing: 0 });
}

function credentialProblem({ credentialFile }: PremisesDatabase): string | undefined {
  if (credentialFile === undefined) return undefined;
  const problem = privateFileProblem(credentialFile);
  return problem === undefined
    ? undefined
    : `the credential file ${credentialFile} can't be used: ${problem}`;
}

function refused(status: number, message: string) {
  return { status, log: [{ severity: "ERROR" as const, message }], summary: undefined };
}
