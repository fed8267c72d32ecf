import { existsSync, readdirSync, statSync } from "node:fs";
import { mkdir, rm, statfs } from "node:fs/promises";
import { join } from "node:path";
import { writeFileDurably } from "@sallyport/durable";
import { PrimaryError } from "../errors.ts";
import { limits } from "../limits.ts";
import { isInitialised, newPassword, prepareRepositoryFiles } from "./repository-files.ts";
import { localAccess, remoteAccess, type RepositoryAccess } from "./repository-access.ts";
import { checkMark, putMark } from "./repository-mark.ts";
import type { Snapshot } from "./restic-output.ts";
import { Restic } from "./restic.ts";
import type { RunningProcesses } from "./running-processes.ts";
import type { DiskPool } from "./storage-configuration.ts";
import type { StorageServer } from "./storage-server.ts";

/** The storage unit that every primary has. */
export const defaultStorageUnit = "stu_local";
/** Its disk pool. */
export const defaultDiskPool = "pool_local";

/** What a storage unit is, as it is configured now. */
export interface StorageUnitDefinition {
  pool: DiskPool;
  /** undefined: a folder of this machine. */
  server: StorageServer | undefined;
  takesOver: boolean;
  primaryId: string;
}

/** What a storage unit works with. */
export interface StorageUnitOptions {
  name: string;
  dataDir: string;
  program: string;
  processes: RunningProcesses;
  /** @throws PrimaryError `no_storage_unit` when it was removed */
  definition: () => StorageUnitDefinition;
  /** Ends every run of restic that is no job's. */
  signal: AbortSignal;
  /** Called once, when the repository can be used and before anybody uses it. */
  onOpen: (unit: StorageUnit, snapshots: readonly Snapshot[]) => Promise<void>;
}

/** Whether a storage unit could be used when that was last tried. */
export interface StorageHealth {
  state: "UP" | "DOWN" | "UNKNOWN";
  /** Why it is DOWN. */
  reason: string;
}

/** A storage unit: a name and the repository behind it. */
export class StorageUnit {
  readonly name: string;
  readonly restic: Restic;
  /** Its folder in the primary's. */
  readonly folder: string;
  readonly passwordFile: string;
  readonly #options: StorageUnitOptions;
  #opening: { of: string; done: Promise<void> } | undefined;
  /** Whether it was opened before in this process: then jobs of ours may be using it. */
  #wasOpened = false;
  #hasMadeRepository = false;
  #hasLooseData = false;
  #health: StorageHealth = { state: "UNKNOWN", reason: "" };

  constructor(options: StorageUnitOptions) {
    const { name, dataDir, program, processes, signal } = options;
    this.#options = options;
    this.name = name;
    this.folder = join(dataDir, "storage", name);
    this.passwordFile = join(this.folder, "password");
    const workDir = join(this.folder, "restic");
    this.restic = new Restic({ program, workDir, processes, signal, access: () => this.access() });
  }

  get health(): StorageHealth {
    return this.#health;
  }

  /** Whether this process has made its repository: nobody else has its password. */
  get hasMadeRepository(): boolean {
    return this.#hasMadeRepository;
  }

  /** Whether its repository has been made, or taken over, and can be expected to be there. */
  get isInitialised(): boolean {
    if (this.name === defaultStorageUnit) return isInitialised(this.#localFiles());
    return existsSync(this.#initialisedMark) && existsSync(this.passwordFile);
  }

  /** How restic reaches it now. @throws PrimaryError `no_storage_unit` */
  async access(): Promise<RepositoryAccess> {
    const { pool, server } = this.#options.definition();
    if (server === undefined) return localAccess(this.#localFiles().repository, this.passwordFile);
    return remoteAccess(join(this.folder, "access"), this.passwordFile, server, pool.volume);
  }

  /**
   * Resolves when the repository can be used: it is made first when there is none, and opened once by each process and
   * each configuration. Calls meanwhile share the work; after a failure the next call tries again.
   * @throws PrimaryError that says why it can't be used
   */
  ready(): Promise<void> {
    const of = JSON.stringify(this.#options.definition());
    if (this.#opening?.of === of) return this.#opening.done;
    const done = this.#open().then(
      () => {
        this.#wasOpened = true;
        this.#health = { state: "UP", reason: "" };
      },
      (error: unknown) => {
        this.#opening = undefined;
        this.#health = { state: "DOWN", reason: (error as Error).message };
        throw error;
      },
    );
    this.#opening = { of, done };
    return done;
  }

  /** Resolves when it is not being opened. */
  async settled(): Promise<void> {
    // Whoever asked for it has been told.
    await this.#opening?.done.catch(() => {});
  }

  /** Notes that a job found the storage down, by restic's own lines; the next use opens it anew. */
  noteDown(lines: readonly string[]): void {
    this.#opening = undefined;
    this.#health = { state: "DOWN", reason: lines.join("; ").slice(-limits.maxReasonCharacters) };
  }

  /** Notes that a backup ended early: what it has written is in no index. */
  noteLooseData(): void {
    this.#hasLooseData = true;
  }

  /**
   * Lets the next backup find what those that ended early have written, unless somebody uses the repository: nobody is to wait
   * for it. Answers whether there was something to do, and it was done.
   * @throws PrimaryError `storage_unusable`
   */
  async indexLooseData(): Promise<boolean> {
    if (!this.#hasLooseData || !this.restic.lock.isFree) return false;
    await this.restic.lock.withExclusive(() => this.restic.indexLooseData());
    this.#hasLooseData = false;
    return true;
  }

  /**
   * Lists every snapshot for somebody who is going to delete some.
   * @throws PrimaryError `storage_unusable` when the repository is another primary's by now
   */
  async listOwnSnapshots(): Promise<Snapshot[]> {
    const snapshots = await this.restic.listSnapshots();
    const { primaryId } = this.#options.definition();
    if (this.name !== defaultStorageUnit) checkMark(snapshots, primaryId, (await this.access()).location);
    return snapshots;
  }

  /** The space of a disk of this machine; undefined for a server's, which doesn't tell. */
  async space(): Promise<{ totalBytes: number; freeBytes: number; usedBytes: number } | undefined> {
    if (this.#options.definition().server !== undefined) return undefined;
    const { repository } = this.#localFiles();
    const { bsize, blocks, bavail, bfree } = await statfs(
      existsSync(repository) ? repository : this.#options.dataDir,
    );
    return { totalBytes: bsize * blocks, freeBytes: bsize * bavail, usedBytes: bsize * (blocks - bfree) };
  }

  /** @throws PrimaryError `storage_full` when its disk is used up to the high water mark */
  async checkSpace(): Promise<void> {
    const space = await this.space();
    if (space === undefined) return;
    const { highWaterMark } = this.#options.definition().pool;
    const { usedBytes, freeBytes } = space;
    const percent = Math.ceil((100 * usedBytes) / Math.max(1, usedBytes + freeBytes));
    if (percent < highWaterMark) return;
    throw new PrimaryError(
      "storage_full",
      `the disk of the storage unit ${this.name} is used to ${percent} %, its high water mark is ${highWaterMark} %: ` +
        `expire images, or free space (${freeBytes} bytes are left)`,
    );
  }

  async #open(): Promise<void> {
    const temporary = join(this.folder, "restic", "tmp");
    if (!this.#wasOpened) await rm(temporary, { recursive: true, force: true });
    await mkdir(temporary, { recursive: true, mode: 0o700 });
    if (this.name === defaultStorageUnit) return this.#openDefault();
    const { server, primaryId, takesOver } = this.#options.definition();
    const { location } = await this.access();
    if (server === undefined) this.#checkVolume();
    const wasInitialised = this.isInitialised;
    if (!wasInitialised) await this.#initialise();
    let snapshots = await this.restic.listSnapshots();
    if (wasInitialised) checkMark(snapshots, primaryId, location);
    else {
      await putMark(this.restic, snapshots, { primaryId, takesOver, location });
      await writeFileDurably(this.#initialisedMark, "", 0o600);
      snapshots = await this.restic.listSnapshots();
    }
    if (!this.#wasOpened) await this.#options.onOpen(this, snapshots);
  }

  async #openDefault(): Promise<void> {
    const files = this.#localFiles();
    const isNew = !isInitialised(files);
    // A disk that is not mounted must not be taken for a new beginning, which would cost the catalogue all of its images.
    if (isNew && existsSync(this.#initialisedMark)) {
      throw new PrimaryError(
        "volume_down",
        `${files.repository} holds no repository any more: mount its disk, or put it back from a copy. ` +
          `If it is lost for good, remove ${this.#initialisedMark} to begin a new one`,
      );
    }
    await prepareRepositoryFiles(files);
    if (isNew) await this.restic.init();
    if (!existsSync(this.#initialisedMark)) await writeFileDurably(this.#initialisedMark, "", 0o600);
    if (isNew) return;
    if (!this.#wasOpened) await this.#options.onOpen(this, await this.restic.listSnapshots());
  }

  async #initialise(): Promise<void> {
    if (!existsSync(this.passwordFile)) await writeFileDurably(this.passwordFile, newPassword(), 0o600);
    try {
      await this.restic.init();
      this.#hasMadeRepository = true;
    } catch (error) {
      // Made by a try that was killed before it was noted, or an older one whose key was given: it has to open.
      const isThere = /already (exists|initialized)|config file already/i.test((error as Error).message);
      if (!isThere) throw error;
    }
  }

  /** A folder whose disk is not mounted would be filled instead. */
  #checkVolume(): void {
    const { volume } = this.#options.definition().pool;
    const isFolder = statSync(volume, { throwIfNoEntry: false })?.isDirectory() === true;
    const hasRepository = existsSync(join(volume, "config"));
    if (isFolder && hasRepository) return;
    const isLost = this.isInitialised;
    if (isFolder && !isLost && readdirSync(volume).every((name) => name === "lost+found")) return;
    if (isFolder && !isLost) {
      throw new PrimaryError("storage_unusable", `${volume} is not empty: name a folder of its own`);
    }
    throw new PrimaryError(
      "volume_down",
      isFolder
        ? `${volume} holds no repository any more: mount the disk of the storage unit ${this.name}`
        : `${volume} is no folder: make it, or mount the disk of the storage unit ${this.name}`,
    );
  }

  /** Says that its repository has been made, and has to be there from then on. */
  get #initialisedMark(): string {
    return join(this.folder, "initialised");
  }

  #localFiles() {
    const { volume } = this.#options.definition().pool;
    const repository = this.name === defaultStorageUnit ? join(this.folder, "repository") : volume;
    return { repository, passwordFile: this.passwordFile };
  }
}
