import { randomUUID } from "node:crypto";
import { mkdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { writeFileDurablySync, type Database } from "@sallyport/durable";
import { z } from "zod";
import { PrimaryError } from "../errors.ts";
import { limits } from "../limits.ts";
import { clientOfUnit } from "../clients/client-unit.ts";
import { storageServerSchema } from "./storage-server.ts";

/** A name of a storage unit or disk pool; it is also a folder's name. */
export const storageNameSchema = z
  .string()
  .regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$/, "must be 1 to 64 letters, digits, _ . -");

/** A name that a new storage unit may have: not one of those that clients over SSH have for their own backups alone. */
export const newUnitNameSchema = storageNameSchema.refine(
  (name) => clientOfUnit(name) === undefined,
  "must not begin with client_, as the storage units of clients over SSH do",
);

/** A disk pool as it is kept. */
export const poolSchema = z.strictObject({
  /** The id of its storage server; null: this machine. */
  server: z.string().nullable(),
  /** Where the repository lies on the server: a path, a bucket with a prefix, or a remote of rclone with a path. */
  volume: z.string(),
  comment: z.string().max(1024).default(""),
  /** Percent of the disk in use from which on no backup begins; of disks of this machine. */
  highWaterMark: z.int().min(1).max(100).default(limits.highWaterMark),
});

const unitSchema = z.strictObject({
  pool: storageNameSchema,
  /** A repository with the mark of another primary is taken over when it is first used. */
  takesOver: z.boolean().default(false),
});

const configurationSchema = z.strictObject({
  version: z.literal(1),
  /** Whose mark repositories bear. */
  primaryId: z.uuid(),
  servers: z.record(z.string(), storageServerSchema),
  pools: z.record(storageNameSchema, poolSchema),
  units: z.record(storageNameSchema, unitSchema),
});

/** Storage servers, disk pools and storage units beside those that every primary has. */
export type StorageConfiguration = z.infer<typeof configurationSchema>;
/** A disk pool: one repository. */
export type DiskPool = z.infer<typeof poolSchema>;

/**
 * The configured storage in `storage/configuration.json` (mode 0600, since it holds credentials): a file rather than a
 * table, so that what is lost with the database can be found again with it. Changes of several processes follow each other.
 */
export class StorageConfigurationFile {
  readonly #path: string;
  readonly #database: Database;
  #read: { key: string; configuration: StorageConfiguration } | undefined;

  constructor(dataDir: string, database: Database) {
    this.#path = join(dataDir, "storage", "configuration.json");
    this.#database = database;
  }

  /**
   * The configuration as it is now, also when another process has changed it. Not to be changed by the caller.
   * @throws PrimaryError `storage_unusable` when the file was damaged
   */
  get(): StorageConfiguration {
    const stat = statSync(this.#path, { throwIfNoEntry: false, bigint: true });
    if (stat === undefined) {
      return this.change(() => {});
    }
    const key = `${stat.ino} ${stat.size} ${stat.mtimeNs}`;
    if (this.#read?.key === key) return this.#read.configuration;
    const parsed = configurationSchema.safeParse(parseJson(readFileSync(this.#path, "utf8")));
    if (!parsed.success) {
      // Zod's own message may quote what it found, a secret perhaps.
      const places = parsed.error.issues.map(({ path }) => path.join(".")).join(", ");
      throw new PrimaryError(
        "storage_unusable",
        `${this.#path} is damaged (at ${places || "its start"}): restore it from a copy`,
      );
    }
    this.#read = { key, configuration: parsed.data };
    return parsed.data;
  }

  /**
   * Changes the configuration, durably, in one transaction of the database with what `change` reads there.
   * @throws what `change` throws
   */
  change(change: (configuration: StorageConfiguration) => void): StorageConfiguration {
    return this.#database.transaction(() => {
      const exists = statSync(this.#path, { throwIfNoEntry: false }) !== undefined;
      const configuration = exists ? structuredClone(this.get()) : emptyConfiguration();
      change(configuration);
      for (const [what, entries] of Object.entries({
        "storage servers": configuration.servers,
        "disk pools": configuration.pools,
        "storage units": configuration.units,
      })) {
        if (Object.keys(entries).length <= limits.maxStorageUnits) continue;
        throw new PrimaryError(
          "invalid_request",
          `there are ${limits.maxStorageUnits} ${what} already: delete one first`,
        );
      }
      mkdirSync(dirname(this.#path), { recursive: true, mode: 0o700 });
      writeFileDurablySync(this.#path, `${JSON.stringify(configuration, undefined, 2)}\n`, 0o600);
      return configuration;
    });
  }
}

function emptyConfiguration(): StorageConfiguration {
  return { version: 1, primaryId: randomUUID(), servers: {}, pools: {}, units: {} };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // Told as damaged.
    return undefined;
  }
}
