import { readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { limits } from "../limits.ts";
import { isWithin } from "../restore/path-rules.ts";
import { ListedPaths } from "./listed-paths.ts";
import { isOdd, pathBytes, pathPattern } from "./path-text.ts";
import type { RepositoryAccess } from "./repository-access.ts";
import { RepositoryLock } from "./repository-lock.ts";
import { runRestic, type ResticResult, type ResticRun } from "./restic-process.ts";
import {
  parseBackupLine,
  parseKeys,
  parseSnapshots,
  parseStats,
  type BackupMessage,
  type Snapshot,
} from "./restic-output.ts";
import { readEntries, type SnapshotEntry } from "./snapshot-listing.ts";
import { storageError } from "./storage-failure.ts";
import type { RunningProcesses } from "./running-processes.ts";

/** What a `Restic` works with. */
export interface ResticOptions {
  /** The program's path, or its name to be found in PATH. */
  program: string;
  /** How the repository is reached now; asked before each run, since credentials may change. */
  access: () => Promise<RepositoryAccess>;
  /** For restic's cache, temporary files and HOME. */
  workDir: string;
  processes: RunningProcesses;
  /** Ends what only asks or tidies, when the primary closes. */
  signal: AbortSignal;
}

/** What every snapshot of ours bears. */
export interface SnapshotRun {
  hostName: string;
  tags: Readonly<Record<string, string>>;
  /** Epoch seconds. */
  timeS: number;
}

/** A backup to be made. */
export interface BackupRun extends SnapshotRun {
  /** Absolute paths. */
  selections: readonly string[];
  /** Absolute paths that are left out with all below them. */
  excludedPaths: readonly string[];
  /** Patterns of restic that are left out as well. */
  excludedPatterns: readonly string[];
  /** Files that look unchanged since the last snapshot are read nevertheless. */
  rereadsAll: boolean;
  onMessage: (message: BackupMessage) => void;
  onStart: (pid: number) => void;
  signal: AbortSignal;
}

/** A stream to be backed up as one file. */
export interface StreamRun extends SnapshotRun, Pick<BackupRun, "onMessage" | "onStart" | "signal"> {
  /** What it is called in the snapshot: an absolute path. */
  path: string;
  /** Writes it, and answers true when it is whole; until then restic can't end well. */
  feed: (stdin: Writable) => Promise<boolean>;
}

/** Paths of a snapshot to be written below a folder. */
export interface RestoreRun {
  snapshotId: string;
  /** Absolute paths in the snapshot. */
  paths: readonly string[];
  target: string;
  onStart: (pid: number) => void;
  signal: AbortSignal;
}

/** The tag of a stream's snapshot until somebody has said that the stream was whole. */
export const unconfirmedTag = "unconfirmed";

/** Readers write nothing, so that they work on a full disk; our own lock keeps prune away from them. */
const noLock = "--no-lock";

/**
 * One repository of restic (0.14 or later). No text of a user becomes an option: selections travel on standard input,
 * paths as escaped values; the password only as the name of its file, in the environment.
 */
export class Restic {
  /** Hold it shared to read or add, exclusive to remove. */
  readonly lock = new RepositoryLock();
  readonly #options: ResticOptions;
  /** Runs that have not ended. */
  #running = 0;

  constructor(options: ResticOptions) {
    this.#options = options;
  }

  /**
   * Makes the repository, where there is none.
   * @throws PrimaryError `storage_unusable`, `storage_full`
   */
  async init(): Promise<void> {
    await this.#read(["init"]);
  }

  /** Adds a snapshot of one small file, such as a mark; no backup and no job makes it. */
  async addNote(name: string, content: string, tags: Readonly<Record<string, string>>): Promise<void> {
    const tagged = Object.entries(tags).map(([tag, value]) => `--tag=${tag}=${value}`);
    await this.#read(
      ["backup", "--quiet", "--stdin", `--stdin-filename=${name}`, "--host=sallyport", ...tagged],
      content,
    );
  }

  backup(run: BackupRun): Promise<ResticResult> {
    const args = [
      "backup",
      "--json",
      "--files-from-raw=-",
      ...(run.rereadsAll ? ["--force"] : []),
      ...snapshotArguments(run),
      ...run.excludedPaths.map((path) => `--exclude=${pathPattern(path)}`),
      ...run.excludedPatterns.map((pattern) => `--exclude=${pattern}`),
    ];
    const input = Buffer.concat(run.selections.flatMap((path) => [pathBytes(path), Buffer.from("\0")]));
    const { onStart, signal } = run;
    return this.#run({ args, input, onLine: messageReader(run.onMessage), onStart, signal });
  }

  /**
   * Backs up a stream. Should this process be killed, restic takes that for the end of the stream: the snapshot is
   * therefore made under the tag `unconfirmed`, and is an image only after `confirm`.
   */
  backupStream(run: StreamRun): Promise<ResticResult> {
    const { onStart, signal, feed, path } = run;
    const tags = { ...run.tags, [unconfirmedTag]: "stream" };
    const args = [
      "backup",
      "--json",
      "--stdin",
      `--stdin-filename=${path}`,
      ...snapshotArguments({ ...run, tags }),
    ];
    return this.#run({ args, feed, onLine: messageReader(run.onMessage), onStart, signal });
  }

  /** Says of the snapshot with a tag that its stream was whole; it gets another id. The caller holds the lock shared. */
  async confirm(tag: { name: string; value: string }): Promise<void> {
    for (const { id } of await this.listSnapshots(tag)) {
      await this.#read(["tag", noLock, `--remove=${unconfirmedTag}=stream`, "--", id]);
    }
  }

  restore(run: RestoreRun): Promise<ResticResult> {
    const args = [
      "restore",
      noLock,
      `--target=${run.target}`,
      ...run.paths.filter((path) => path !== "/").map((path) => `--include=${pathPattern(path)}`),
      "--",
      run.snapshotId,
    ];
    return this.#run({ args, onStart: run.onStart, signal: run.signal });
  }

  /** Reads all data of a snapshot, each part checked against its hash, and keeps none of it. */
  readAll(snapshotId: string, run: Pick<RestoreRun, "onStart" | "signal">): Promise<ResticResult> {
    const args = ["dump", noLock, "--archive=tar", "--", snapshotId, "/"];
    return this.#run({ args, ignoresOutput: true, ...run });
  }

  /**
   * Lists a snapshot's entries, all or those of one folder. They are read as they are taken; restic waits meanwhile, and
   * is stopped when no more are wanted. The caller holds the lock shared.
   * @throws PrimaryError `storage_unusable`
   */
  async *listEntries(
    snapshotId: string,
    options: { folder?: string; isDeep?: boolean; signal?: AbortSignal } = {},
  ): AsyncGenerator<SnapshotEntry, void, undefined> {
    const { folder, isDeep = false, signal } = options;
    const named = folder === undefined ? undefined : plainFolder(folder);
    // What no argument can name is looked for in what can.
    const isSought = named !== folder;
    const flags = [noLock, ...(isDeep || isSought ? ["--recursive"] : [])];
    const args = [...flags, "--", snapshotId, ...(named === undefined ? [] : [named])];
    await using paths = new ListedPaths(() => this.#output(["ls", "--quiet", ...args], signal));
    for await (const entry of readEntries(this.#output(["ls", "--json", ...args], signal))) {
      const path = await paths.textOf(entry.path);
      const slash = path.lastIndexOf("/");
      const isWanted =
        folder === undefined || !isSought || (isDeep ? isWithin(path, folder) : isEntryOf(path, folder));
      if (isWanted) yield { ...entry, path, name: path.slice(slash + 1) };
    }
  }

  /** What a run says, as it is taken; it is stopped when no more is wanted. */
  async *#output(args: readonly string[], signal?: AbortSignal): AsyncGenerator<Buffer, void, undefined> {
    const stop = new AbortController();
    const output = Promise.withResolvers<Readable>();
    const run = this.#run({
      args,
      onOutput: output.resolve,
      signal: signal === undefined ? stop.signal : AbortSignal.any([stop.signal, signal]),
    });
    // Whether it started at all is told by its end.
    run.catch(output.reject);
    try {
      yield* (await output.promise) as AsyncIterable<Buffer>;
      const { code, errorLines } = await run;
      if (code !== 0) throw storageError(`restic ${args[0]} failed: ${errorLines.join("; ")}`);
    } finally {
      stop.abort();
      await run.catch(() => {});
    }
  }

  /**
   * Lists snapshots, all or those with a tag.
   * @throws PrimaryError `storage_unusable` when restic fails
   */
  async listSnapshots(tag?: { name: string; value: string }): Promise<Snapshot[]> {
    const args = [
      "snapshots",
      "--json",
      noLock,
      ...(tag === undefined ? [] : [`--tag=${tag.name}=${tag.value}`]),
    ];
    return parseSnapshots(await this.#read(args));
  }

  /**
   * The full id of a snapshot that a backup has just told the beginning of, as its file in the repository says; undefined when the repository
   * is not a folder of this machine, or there is not just one. It spares the run of restic that `listSnapshots` takes, half a second of which
   * is deriving the key.
   */
  async findSnapshotFile(idPrefix: string): Promise<string | undefined> {
    const { repositoryFolder } = await this.#options.access();
    if (repositoryFolder === undefined) return undefined;
    // What this does not find restic itself is asked for.
    const names = await readdir(join(repositoryFolder, "snapshots")).catch(() => []);
    const found = names.filter((name) => name.startsWith(idPrefix) && /^[0-9a-f]{64}$/.test(name));
    return found.length === 1 ? found[0] : undefined;
  }

  /** The ids of all snapshots that there are, those that can't be read among them. */
  async listSnapshotIds(): Promise<ReadonlySet<string>> {
    const output = await this.#read(["list", noLock, "snapshots"]);
    return new Set(output.match(/^[0-9a-f]{64}$/gm));
  }

  /** How much a snapshot restores to. */
  async measure(snapshotId: string): Promise<{ bytes: number; files: number }> {
    return parseStats(await this.#read(["stats", "--json", noLock, "--mode=restore-size", "--", snapshotId]));
  }

  /** Removes snapshots, which have to exist. The caller holds the lock exclusively. */
  async forget(snapshotIds: readonly string[]): Promise<void> {
    if (snapshotIds.length > 0) await this.#read(["forget", "--", ...snapshotIds]);
  }

  /** Removes the data that no snapshot needs. The caller holds the lock exclusively. */
  async prune(): Promise<void> {
    await this.#read(["prune"]);
  }

  /**
   * Adds what backups that ended early have written to the index: restic writes that at a backup's end, and takes no data
   * for stored that is not in it. Reads the heads of such packs only. The caller holds the lock exclusively.
   */
  async indexLooseData(): Promise<void> {
    await this.#read(["rebuild-index"]);
  }

  /** Lets another password open the repository as well. */
  async addKey(newPasswordFile: string): Promise<void> {
    await this.#read(["key", "add", `--new-password-file=${newPasswordFile}`]);
  }

  /** Removes every key but the one of the password in use; answers how many. */
  async removeOtherKeys(): Promise<number> {
    const keys = parseKeys(await this.#read(["key", "list", "--json"]));
    const others = keys.filter(({ current }) => !current);
    for (const { id } of others) await this.#read(["key", "remove", id]);
    return others.length;
  }

  /**
   * Removes every lock, when the primary opens a repository for the first time: that bears its mark, and what an earlier
   * process left running has been killed. (Restic by itself would keep the lock of another host name or of a process id that is in use again.)
   */
  async removeLocks(): Promise<void> {
    await this.#read(["unlock", "--remove-all"]);
  }

  async #read(args: readonly string[], input?: string): Promise<string> {
    const lines: string[] = [];
    const onLine = (line: string) => lines.push(line);
    const { signal } = this.#options;
    const run = { args, onLine, signal, maxLineBytes: limits.maxListingBytes };
    const { code, errorLines } = await this.#run(input === undefined ? run : { ...run, input });
    if (code === 0) return lines.join("\n");
    const reason = errorLines.join("; ") || `exit code ${code}`;
    const { location } = await this.#options.access();
    throw storageError(`restic ${args[0]} on ${location} failed: ${reason}`);
  }

  async #run(run: Omit<ResticRun, "program" | "environment">): Promise<ResticResult> {
    const { program, workDir, processes } = this.#options;
    const {
      options,
      folder,
      passwordFile,
      secrets,
      errorLog,
      environment: reached,
    } = await this.#options.access();
    const environment = {
      PATH: process.env["PATH"] ?? "/usr/local/bin:/usr/bin:/bin",
      HOME: workDir,
      TMPDIR: join(workDir, "tmp"),
      LANG: "C.UTF-8",
      // `--time` is read in local time.
      TZ: "UTC",
      ...reached,
      RESTIC_PASSWORD_FILE: passwordFile,
      RESTIC_CACHE_DIR: join(workDir, "cache"),
      RESTIC_PROGRESS_FPS: "5",
    };
    const [command = "", ...rest] = run.args;
    const args = [command, ...options, ...rest];
    // What is left of earlier runs is not this one's.
    if (this.#running === 0 && errorLog !== undefined) await rm(errorLog, { force: true });
    this.#running += 1;
    try {
      const result = await runRestic({ ...run, args, program, environment, folder }, processes);
      const lines = [...result.errorLines];
      if (result.code !== 0 && errorLog !== undefined) lines.unshift(...(await readEnd(errorLog)));
      return { ...result, errorLines: lines.map((line) => starred(line, secrets)) };
    } finally {
      this.#running -= 1;
    }
  }
}

/** The last lines of a log. */
async function readEnd(path: string): Promise<string[]> {
  // There is none when nothing was written.
  const text = await readFile(path, "utf8").catch(() => "");
  return text
    .slice(-limits.maxReasonCharacters)
    .split(/\r?\n/)
    .filter((line) => line.trim() !== "");
}

/** The folder itself, or the nearest above it that an argument can name: those are text. */
function plainFolder(folder: string): string {
  if (!isOdd(folder)) return folder;
  return plainFolder(folder.slice(0, folder.lastIndexOf("/")) || "/");
}

function isEntryOf(path: string, folder: string): boolean {
  return path === folder || path.slice(0, path.lastIndexOf("/")) === folder;
}

/** Restic stars passwords itself in most of its messages; this is for the others. */
function starred(line: string, secrets: readonly string[]): string {
  return secrets.reduce((text, secret) => (secret === "" ? text : text.replaceAll(secret, "***")), line);
}

/** The options of `restic backup` for what a snapshot bears. */
export function snapshotArguments({ hostName, tags, timeS }: SnapshotRun): string[] {
  return [
    `--host=${hostName}`,
    `--time=${formatTime(timeS)}`,
    ...Object.entries(tags).map(([name, value]) => `--tag=${name}=${value}`),
  ];
}

function messageReader(onMessage: (message: BackupMessage) => void) {
  return (line: string) => {
    const message = parseBackupLine(line);
    if (message !== undefined) onMessage(message);
  };
}

/** `2024-01-02 03:04:05`, UTC. */
function formatTime(epochSeconds: number): string {
  return new Date(epochSeconds * 1000).toISOString().slice(0, 19).replace("T", " ");
}
