import { readFile } from "node:fs/promises";
import type { Catalogue } from "../catalogue/catalogue.ts";
import { marks, restoreScript } from "../clients/remote-script.ts";
import type { ClientFile } from "../clients/ssh-client.ts";
import { runOnClient } from "../clients/ssh-run.ts";
import type { JobOutcome } from "../jobs/job-lifecycle.ts";
import type { JobWork } from "../jobs/job-run.ts";
import type { Job, LogSeverity } from "../jobs/job.ts";
import { limits } from "../limits.ts";
import { pathPattern } from "../storage/path-text.ts";
import { describeErrorLine } from "../storage/restic-output.ts";
import type { RunningProcesses } from "../storage/running-processes.ts";
import type { StorageUnits } from "../storage/storage-units.ts";
import { restoreRequestSchema } from "./restore.ts";

/** What a restore onto another machine works with. */
export interface ClientRestoreOptions {
  units: StorageUnits;
  catalogue: Catalogue;
  clients: Pick<ClientFile, "find">;
  dataDir: string;
  processes: RunningProcesses;
}

/**
 * Makes the work of a RESTORE job whose destination is another machine: restic runs there, reads the image's repository through the SSH
 * connection, and writes into a staging folder from which the files are put into place.
 */
export function clientRestoreWork(options: ClientRestoreOptions): JobWork {
  const { units, catalogue, clients, dataDir, processes } = options;
  return async (job, { signal, onProcess, onProgress }) => {
    const { moves, overwriteExistingFiles, destinationClient } = restoreRequestSchema.parse(job.request);
    const client = clients.find(destinationClient ?? "");
    const log: { severity: LogSeverity; message: string }[] = [];
    const note = (severity: LogSeverity, message: string) => {
      if (log.length <= limits.maxJobLogLines) log.push({ severity, message });
    };
    if (client === undefined) {
      return failed(58, `${destinationClient} is no client of this primary any more`);
    }
    let [placed, files, bytes, skipped, wrong, status] = [0, 0, 0, 0, 0, undefined as number | undefined];
    const onLine = (line: string) => {
      const [, mark, rest = ""] = /^(sallyport-[a-z]+) (.*)$/.exec(line) ?? [];
      if (mark === marks.placed) {
        const [, count = "0", size = "0"] = /^(\d{1,15}) (\d{1,15})$/.exec(rest) ?? [];
        // What a client says can't become more than a column holds.
        const sum = (total: number, more: string) => Math.min(Number.MAX_SAFE_INTEGER, total + Number(more));
        [placed, files, bytes] = [placed + 1, sum(files, count), sum(bytes, size)];
      } else if (mark === marks.skipped) {
        skipped += 1;
        note("WARNING", `${rest} exists and was left as it is (overwriteExistingFiles is false)`);
      } else if (mark === marks.missing) {
        wrong += 1;
        note("ERROR", `${rest} is not in the image`);
      }
      return mark !== undefined;
    };
    const groups = [...Map.groupBy(moves, ({ backupId }) => backupId)];
    for (const [index, [backupId, group]] of groups.entries()) {
      if (signal.aborted) break;
      const image = catalogue.find(backupId);
      if (image === undefined) {
        wrong += 1;
        note("ERROR", `the image ${backupId} has expired meanwhile`);
        continue;
      }
      const unit = units.get(image.storageUnit);
      await unit.ready();
      const { location: repository, passwordFile } = await unit.access();
      const script = restoreScript({
        password: (await readFile(passwordFile, "utf8")).trim(),
        snapshotId: image.snapshotId,
        includes: group
          .filter(({ path }) => path !== "/")
          .map(({ path }) => `--include=${pathPattern(path)}`),
        moves: group,
        overwrites: overwriteExistingFiles,
      });
      const bridge = { repository, access: "read" as const };
      const end = await unit.restic.lock.withShared(
        () => runOnClient({ client, dataDir, script, bridge, processes, signal, onLine, onStart: onProcess }),
        signal,
      );
      const isGood = end.code === 0;
      if (!isGood) wrong += 1;
      status ??= end.failure?.status ?? (end.code === 127 ? 49 : undefined);
      for (const line of end.lines) {
        note(isGood ? "INFO" : "ERROR", `${client.name}: ${describeErrorLine(line)}`);
      }
      if (end.failure !== undefined) note("ERROR", end.failure.hint);
      const kilobytes = Math.ceil(bytes / 1024);
      onProgress({
        percentComplete: Math.floor((100 * (index + 1)) / groups.length),
        kilobytes,
        kilobytesTotal: kilobytes,
        files,
        filesTotal: files,
        currentFile: "",
      });
    }
    if (signal.aborted) return { status: 150, log };
    if (placed === 0 && skipped === 0) return { status: status ?? 5, log };
    return { status: wrong > 0 || skipped > 0 ? 1 : 0, log };
  };
}

/** Whether a RESTORE job's destination is another machine. */
export function isForClient(job: Job): boolean {
  return restoreRequestSchema.safeParse(job.request).data?.destinationClient !== undefined;
}

function failed(status: number, message: string): JobOutcome {
  return { status, log: [{ severity: "ERROR", message }] };
}
