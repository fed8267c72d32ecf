import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { Database } from "@sallyport/durable";
import { PrimaryError } from "../errors.ts";
import { limits } from "../limits.ts";
import type { Snapshot } from "./restic-output.ts";
import type { RunningProcesses } from "./running-processes.ts";
import { StorageConfigurationFile, type DiskPool } from "./storage-configuration.ts";
import type { StorageKind } from "./storage-server.ts";
import { StorageSettingsStore } from "./storage-settings.ts";
import {
  defaultDiskPool,
  defaultStorageUnit,
  StorageUnit,
  type StorageUnitDefinition,
} from "./storage-unit.ts";

/** What the storage units work with. */
export interface StorageUnitsOptions {
  dataDir: string;
  database: Database;
  processes: RunningProcesses;
  /** The restic program; found in PATH by default. */
  program?: string | undefined;
  /** Called once for each unit, when its repository can be used and before anybody uses it. */
  onOpen?: (unit: StorageUnit, snapshots: readonly Snapshot[]) => Promise<void>;
}

/** Every storage unit of a primary: the one that it is made with, and those that were configured. */
export class StorageUnits implements AsyncDisposable {
  readonly configuration: StorageConfigurationFile;
  readonly settings: StorageSettingsStore;
  readonly #options: StorageUnitsOptions;
  readonly #units = new Map<string, StorageUnit>();
  readonly #closing = new AbortController();

  constructor(options: StorageUnitsOptions) {
    // Restic runs elsewhere, where a relative path would lead elsewhere.
    this.#options = { ...options, dataDir: resolve(options.dataDir) };
    this.configuration = new StorageConfigurationFile(options.dataDir, options.database);
    this.settings = new StorageSettingsStore(options.database);
  }

  /** The names of all, the default one first. */
  names(): string[] {
    return [defaultStorageUnit, ...Object.keys(this.configuration.get().units).toSorted()];
  }

  has(name: string): boolean {
    return name === defaultStorageUnit || Object.hasOwn(this.configuration.get().units, name);
  }

  /** The name of a unit's disk pool. @throws PrimaryError `no_storage_unit` */
  poolOf(name: string): string {
    if (name === defaultStorageUnit) return defaultDiskPool;
    const { units } = this.configuration.get();
    const unit = Object.hasOwn(units, name) ? units[name] : undefined;
    if (unit === undefined) throw noStorageUnit(name);
    return unit.pool;
  }

  /** Disk pools by their names, the default one first. */
  pools(): Map<string, DiskPool> {
    const { pools } = this.configuration.get();
    const own = pools[defaultDiskPool];
    const volume = join(this.#options.dataDir, "storage", defaultStorageUnit, "repository");
    const { highWaterMark } = limits;
    return new Map([
      [defaultDiskPool, { server: null, comment: "", highWaterMark, ...own, volume }],
      ...Object.entries(pools).filter(([name]) => name !== defaultDiskPool),
    ]);
  }

  /**
   * A storage unit, always the same object for a name.
   * @throws PrimaryError `no_storage_unit`
   */
  get(name: string): StorageUnit {
    if (!this.has(name)) {
      this.#units.delete(name);
      throw noStorageUnit(name);
    }
    const { dataDir, program = "restic", processes, onOpen = async () => {} } = this.#options;
    const unit =
      this.#units.get(name) ??
      new StorageUnit({
        name,
        dataDir,
        program,
        processes,
        onOpen,
        signal: this.#closing.signal,
        definition: () => this.#define(name),
      });
    this.#units.set(name, unit);
    return unit;
  }

  /** The storage unit of a backup: what its schedule names, else its policy, else any that is not only on demand. */
  choose(ofSchedule: string | null | undefined, ofPolicy: string | null | undefined): string {
    const named = [ofSchedule, ofPolicy].find((name) => name != null && name !== "");
    if (named != null) return named;
    return this.names().find((name) => !this.settings.get(name).onDemandOnly) ?? defaultStorageUnit;
  }

  /** How a unit's repository is reached. @throws PrimaryError `no_storage_unit` */
  kindOf(name: string): StorageKind {
    return this.#define(name).server?.kind ?? "local";
  }

  /** How many images lie on a unit, those that are being expired among them. */
  imagesOn(name: string): number {
    const row = this.#options.database
      .prepare("SELECT count(*) AS n FROM images WHERE storage_unit = ?")
      .get(name);
    return Number(row?.["n"]);
  }

  /** Why a storage unit can't be removed: what lies on it or would use it; empty when it can. */
  obstaclesTo(name: string): string[] {
    const { database } = this.#options;
    if (name === defaultStorageUnit) return ["every primary has it"];
    const count = (sql: string, ...values: string[]) => Number(database.prepare(sql).get(...values)?.["n"]);
    const images = this.imagesOn(name);
    const jobs = count("SELECT count(*) AS n FROM jobs WHERE state <> 'DONE' AND storage_unit = ?", name);
    const policies = database
      .prepare("SELECT name, definition FROM policies")
      .all()
      .filter((row) => namesStorage(String(row["definition"]), name))
      .map((row) => String(row["name"]));
    return [
      ...(images > 0 ? [`${images} images lie on it: expire them first`] : []),
      ...(jobs > 0 ? [`${jobs} jobs use it: wait for their end, or cancel them`] : []),
      ...(policies.length > 0 ? [`the policies ${policies.join(", ")} name it: change them first`] : []),
    ];
  }

  /**
   * Removes a storage unit that nothing uses, with the credentials and the repository's key that are kept here; what is
   * left on the storage is not touched. Its disk pool and its server go as well when `withServer` is set and no other uses them.
   * @throws PrimaryError `in_use`, `not_found`
   */
  async remove(name: string, { withServer }: { withServer: boolean }): Promise<void> {
    this.configuration.change(({ units, pools, servers }) => {
      const obstacles = this.obstaclesTo(name);
      if (obstacles.length > 0)
        throw new PrimaryError(
          "in_use",
          `the storage unit ${name} can't be removed: ${obstacles.join("; ")}`,
        );
      const unit = Object.hasOwn(units, name) ? units[name] : undefined;
      if (unit === undefined) throw new PrimaryError("not_found", `there is no storage unit "${name}"`);
      delete units[name];
      if (!withServer) return;
      const server = pools[unit.pool]?.server;
      delete pools[unit.pool];
      const isShared = Object.values(pools).some((pool) => pool.server === server);
      if (server != null && !isShared) delete servers[server];
    });
    this.#units.delete(name);
    await rm(join(this.#options.dataDir, "storage", name), { recursive: true, force: true });
  }

  /** Ends what still opens repositories; jobs have ended before. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await Promise.all([...this.#units.values()].map((unit) => unit.settled()));
  }

  #define(name: string): StorageUnitDefinition {
    const { units, servers, primaryId } = this.configuration.get();
    const poolName = this.poolOf(name);
    const pool = this.pools().get(poolName);
    if (pool === undefined) throw noStorageUnit(name);
    const server = pool.server === null ? undefined : servers[pool.server];
    if (pool.server !== null && server === undefined) throw noStorageUnit(name);
    return { pool, server, primaryId, takesOver: units[name]?.takesOver ?? false };
  }
}

/**
 * Makes sure that a folder is a primary's before anything is made in it.
 * @throws PrimaryError `storage_unusable`
 */
export function requireStorage(dataDir: string): void {
  if (existsSync(join(dataDir, "storage"))) return;
  throw new PrimaryError(
    "storage_unusable",
    `there is no repository of a primary in ${dataDir}: name the primary's folder with --data`,
  );
}

function namesStorage(definition: string, name: string): boolean {
  const policy = JSON.parse(definition) as {
    policyAttributes?: { storage?: string | null };
    schedules?: { backupCopies?: { copies?: { storage?: string | null }[] | null } | null }[];
  };
  const copies = policy.schedules?.flatMap(({ backupCopies }) => backupCopies?.copies ?? []) ?? [];
  return [policy.policyAttributes, ...copies].some((one) => one?.storage === name);
}

function noStorageUnit(name: string): PrimaryError {
  return new PrimaryError("no_storage_unit", `there is no storage unit "${name}"`);
}
