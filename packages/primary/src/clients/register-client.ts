import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { statSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { openDatabase } from "@sallyport/durable";
import { PrimaryError } from "../errors.ts";
import { limits } from "../limits.ts";
import { migrations } from "../schema.ts";
import { RunningProcesses } from "../storage/running-processes.ts";
import { StorageUnits } from "../storage/storage-units.ts";
import { checkVolume } from "../storage/volume-rules.ts";
import { unitOfClient } from "./client-unit.ts";
import { checkScript } from "./remote-script.ts";
import { clientFile, sshClientSchema, type SshClient } from "./ssh-client.ts";
import { runOnClient } from "./ssh-run.ts";

const run = promisify(execFile);
const scanSeconds = 10;

/** A host key that a machine has shown. */
export interface ShownHostKey {
  key: string;
  /** `SHA256:…`, as `ssh-keygen -l` writes it. */
  fingerprint: string;
}

/**
 * Asks a machine for its host keys. Whoever is on the way may answer: compare them with what the machine itself says.
 * @throws PrimaryError `client_unreachable`
 */
export async function scanHostKeys(host: string, port: number): Promise<ShownHostKey[]> {
  const args = ["-T", String(scanSeconds), "-p", String(port), "--", host];
  const { stdout, stderr } = await run("ssh-keyscan", args).catch((error: Error) => ({
    stdout: "",
    stderr: error.message,
  }));
  const keys = stdout
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => line.split(" ").slice(1, 3).join(" "));
  if (keys.length > 0) return keys.map((key) => ({ key, fingerprint: fingerprintOf(key) }));
  throw new PrimaryError(
    "client_unreachable",
    `${host}, port ${port}, has shown no host key: ${stderr.trim().split("\n").at(-1) || "no answer"}`,
  );
}

/** The fingerprint of a public key. */
export function fingerprintOf(key: string): string {
  const hash = createHash("sha256").update(Buffer.from(key.split(" ")[1] ?? "", "base64"));
  return `SHA256:${hash.digest("base64").replace(/=+$/, "")}`;
}

/**
 * Registers a client and makes its storage unit. The primary may run.
 * @param repository the folder for its repository, on another disk say; in the primary's folder without one
 * @throws PrimaryError `already_exists`, `invalid_request` when this is another user than the primary's
 */
export async function registerClient(
  dataDir: string,
  client: SshClient,
  repository?: string,
): Promise<SshClient> {
  const clients = clientFile(dataDir);
  const entry = sshClientSchema.parse(client);
  if (clients.find(entry.name) !== undefined) {
    throw new PrimaryError(
      "already_exists",
      `there is a client "${entry.name}" already: remove it first; its images stay`,
    );
  }
  if (statSync(dataDir).uid !== process.getuid?.()) {
    throw new PrimaryError(
      "invalid_request",
      `${dataDir} belongs to another user: run this as the user whom the primary runs as`,
    );
  }
  const storageUnit = unitOfClient(entry.name);
  await using building = new AsyncDisposableStack();
  const database = building.use(openDatabase({ path: join(dataDir, "primary.db"), migrations }));
  const units = building.use(
    new StorageUnits({ dataDir, database, processes: new RunningProcesses(database) }),
  );
  if (!units.has(storageUnit)) {
    const volume = repository ?? resolve(dataDir, "storage", storageUnit, "repository");
    const { pools, servers } = units.configuration.get();
    if (repository !== undefined) checkVolume({ pools, servers }, { server: null, volume }, dataDir);
    await mkdir(volume, { recursive: true, mode: 0o700 });
    const { highWaterMark } = limits;
    const comment = `of the client ${entry.name}`;
    units.configuration.change((configuration) => {
      configuration.pools[storageUnit] = { server: null, volume, comment, highWaterMark };
      configuration.units[storageUnit] = { pool: storageUnit, takesOver: false };
    });
    // No policy takes it by itself.
    units.settings.set(storageUnit, { ...units.settings.get(storageUnit), onDemandOnly: true });
  }
  if (units.pools().get(units.poolOf(storageUnit))?.server !== null) {
    throw new PrimaryError(
      "invalid_request",
      `the storage unit ${storageUnit} is on a server: a client's has to be on a disk of this machine, so that the client needs no credentials`,
    );
  }
  await clients.add(entry);
  return entry;
}

/** How a client answers. */
export interface ClientCheck {
  ok: boolean;
  /** The status that a backup would end with. */
  status: number;
  /** What it says of itself, or what is wrong and what to do. */
  lines: string[];
}

/** Connects to a client and asks what it has. */
export async function checkClient(dataDir: string, client: SshClient): Promise<ClientCheck> {
  using database = openDatabase({ path: join(dataDir, "primary.db"), migrations });
  const end = await runOnClient({
    client,
    // ssh runs in another folder.
    dataDir: resolve(dataDir),
    script: checkScript,
    processes: new RunningProcesses(database),
    signal: new AbortController().signal,
  });
  const status = end.failure?.status ?? (end.code === 0 ? 0 : end.code === 127 ? 49 : 6);
  return {
    ok: status === 0,
    status,
    lines: [...end.lines, ...(end.failure === undefined ? [] : [end.failure.hint])],
  };
}
