import type { Database } from "@sallyport/durable";
import { limits } from "../limits.ts";
import type { Snapshot } from "./restic-output.ts";

/** What an administrator sets of a storage unit. */
export interface StorageSettings {
  /** Jobs that may use it at once. */
  maxConcurrentJobs: number;
  /** Images that are made from now on are immutable until they expire. */
  useWorm: boolean;
  /** Only policies that name it use it. */
  onDemandOnly: boolean;
}

const defaults: StorageSettings = {
  maxConcurrentJobs: limits.maxConcurrentJobs,
  useWorm: false,
  onDemandOnly: false,
};

/** The settings of storage units, which outlive restarts. */
export class StorageSettingsStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  get(name: string): StorageSettings {
    const row = this.#database.prepare("SELECT * FROM storage_settings WHERE name = ?").get(name);
    if (row === undefined) return defaults;
    return {
      maxConcurrentJobs: Number(row["max_concurrent_jobs"]),
      useWorm: row["use_worm"] === 1,
      onDemandOnly: row["on_demand_only"] === 1,
    };
  }

  /** Goes back to the defaults. */
  delete(name: string): void {
    this.#database.prepare("DELETE FROM storage_settings WHERE name = ?").run(name);
  }

  set(name: string, settings: StorageSettings): void {
    this.#database
      .prepare("INSERT OR REPLACE INTO storage_settings VALUES (?, ?, ?, ?)")
      .run(name, settings.maxConcurrentJobs, settings.useWorm ? 1 : 0, settings.onDemandOnly ? 1 : 0);
  }
}

/** Until when a new image on an immutable storage unit may not be deleted, epoch ms: until it expires, and not too long. */
export function wormLockOf(nowMs: number, expiresAtMs: number | null): number {
  const longest = nowMs + limits.maxWormLockMs;
  return expiresAtMs === null ? longest : Math.min(expiresAtMs, longest);
}

/** Until when a snapshot says that it is immutable, epoch ms; null when it never was. */
export function wormLockOn({ tags }: Pick<Snapshot, "tags">): number | null {
  const worm = tags["worm"] ?? "";
  return /^\d{1,16}$/.test(worm) ? Number(worm) : null;
}
