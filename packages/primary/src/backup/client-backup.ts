import { readFile } from "node:fs/promises";
import { unitOfClient } from "../clients/client-unit.ts";
import { backupScript } from "../clients/remote-script.ts";
import type { ClientFile } from "../clients/ssh-client.ts";
import { runOnClient, type SshEnd } from "../clients/ssh-run.ts";
import { limits } from "../limits.ts";
import { describeErrorLine, parseBackupLine, type BackupSummary } from "../storage/restic-output.ts";
import { snapshotArguments } from "../storage/restic.ts";
import type { RunningProcesses } from "../storage/running-processes.ts";
import { storageStatus } from "../storage/storage-failure.ts";
import type { BackupSource } from "./backup-source.ts";

/** What the backup of another machine works with. */
export interface ClientBackupOptions {
  clients: Pick<ClientFile, "find">;
  /** Patterns of a client's exclude list. */
  excludesOf: (owner: { client: string }) => readonly string[];
  dataDir: string;
  processes: RunningProcesses;
}

/**
 * Backs up files of another machine: restic runs there, and reaches the client's own repository through the SSH connection that
 * this primary has opened, and only to add to it.
 */
export function clientBackup(options: ClientBackupOptions): BackupSource {
  const { clients, excludesOf, dataDir, processes } = options;
  return async ({ job, unit, selections, snapshot, signal, onProcess, onProgress }) => {
    const client = clients.find(job.clientName);
    const refused = (status: number, message: string) => ({
      status,
      log: [{ severity: "ERROR" as const, message }],
      summary: undefined,
    });
    if (client === undefined) return refused(58, `${job.clientName} is no client of this primary any more`);
    if (unitOfClient(client.name) !== unit.name) {
      return refused(
        2106,
        `the storage unit of ${client.name} is ${unitOfClient(client.name)}, not ${unit.name}`,
      );
    }
    const { location: repository, passwordFile } = await unit.access();
    let summary: BackupSummary | undefined;
    const missing: string[] = [];
    const args = [
      ...(job.scheduleType === "FULL_BACKUP" ? ["--force"] : []),
      ...excludesOf({ client: client.name }).map((pattern) => `--exclude=${pattern}`),
      ...snapshotArguments(snapshot),
    ];
    const end = await runOnClient({
      client,
      dataDir,
      processes,
      signal,
      script: backupScript((await readFile(passwordFile, "utf8")).trim(), selections, args),
      bridge: { repository, access: "append" },
      onStart: onProcess,
      onLine: (line) => {
        const [, path] = /^(\/.*) does not exist, skipping$/.exec(line) ?? [];
        if (path !== undefined && missing.length <= limits.maxSelections) missing.push(path);
        const message = parseBackupLine(line);
        if (message?.message_type === "summary") summary = message;
        else if (message !== undefined) onProgress(message);
        return path !== undefined || message !== undefined;
      },
    });
    const status = clientStatus(end, { cancelled: signal.aborted, missing: missing.length });
    const severity = status <= 1 ? ("WARNING" as const) : ("ERROR" as const);
    const messages = [
      ...missing.map((path) => `${path} does not exist on ${client.name}`),
      ...end.lines.map((line) => `${client.name}: ${describeErrorLine(line)}`),
      ...(end.failure === undefined ? [] : [end.failure.hint]),
    ];
    return { status, log: messages.map((message) => ({ severity, message })), summary };
  };
}

function clientStatus(end: SshEnd, circumstances: { cancelled: boolean; missing: number }): number {
  if (end.code === 0) return circumstances.missing > 0 ? 1 : 0;
  if (circumstances.cancelled) return 150;
  if (end.isFull) return 129;
  if (end.failure !== undefined) return end.failure.status;
  if (end.code === 3) return 1;
  if (end.code === 127) return 49;
  const text = end.lines.join("\n");
  if (/all (target|source) directories\/files do not exist/i.test(text)) return 71;
  return storageStatus(text) ?? 6;
}
