import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { openDatabase, writeFileDurablySync } from "@sallyport/durable";
import { PrimaryError } from "../errors.ts";
import { migrations } from "../schema.ts";
import { RunningProcesses } from "./running-processes.ts";
import { poolSchema, newUnitNameSchema } from "./storage-configuration.ts";
import { parseStorageServer, serverTypes, type StorageKind, type StorageServer } from "./storage-server.ts";
import type { StorageSettings } from "./storage-settings.ts";
import type { StorageHealth } from "./storage-unit.ts";
import { requireStorage, StorageUnits } from "./storage-units.ts";
import { checkVolume } from "./volume-rules.ts";

/** A primary's folder, whether it runs or not. */
export interface StorageAdministrationOptions {
  dataDir: string;
  /** The restic program; found in PATH by default. */
  resticProgram?: string | undefined;
}

/** A storage unit as its administrator sees it. */
export interface StorageOverview extends StorageSettings {
  name: string;
  kind: StorageKind;
  /** Where its repository lies, without credentials. */
  location: string;
  images: number;
}

/** What became of a look at a storage unit. */
export interface StorageCheck extends StorageOverview, StorageHealth {
  freeBytes: number | undefined;
}

/** A storage unit to be added, with a disk pool and, unless it is a folder of this machine, a server of the same name. */
export interface NewStorage {
  name: string;
  /** A storage server as the API takes it at `sallyport`; undefined: this machine. */
  server: unknown;
  volume: string;
  settings: Partial<StorageSettings>;
  /** The password of a repository that is there already. */
  key?: string | undefined;
  takesOver: boolean;
  /** Whether the repository is made or opened at once; when that fails nothing is added. */
  opens: boolean;
}

async function withStorage<T>(
  { dataDir, resticProgram: program }: StorageAdministrationOptions,
  work: (units: StorageUnits) => Promise<T>,
): Promise<T> {
  requireStorage(dataDir);
  using database = openDatabase({ path: join(dataDir, "primary.db"), migrations });
  const processes = new RunningProcesses(database);
  await using units = new StorageUnits({ dataDir, database, processes, program });
  return await work(units);
}

/** Lists a primary's storage units, without reaching for any. */
export function listStorage(options: StorageAdministrationOptions): Promise<StorageOverview[]> {
  return withStorage(options, (units) => Promise.all(units.names().map((name) => overview(units, name))));
}

/**
 * Adds a storage unit.
 * @throws PrimaryError that says what is wrong with it, or why its repository can't be used
 */
export function addStorage(
  options: StorageAdministrationOptions,
  storage: NewStorage,
): Promise<StorageOverview> {
  return withStorage(options, async (units) => {
    const name = parseName(storage.name);
    const server = storage.server === undefined ? undefined : parseStorageServer(storage.server);
    insert(units, resolve(options.dataDir), { ...storage, name, server });
    const unit = units.get(name);
    if (storage.opens) {
      try {
        await unit.ready();
      } catch (error) {
        // A repository that has just been made is readable with the password that lies here only.
        if (!unit.hasMadeRepository) await units.remove(name, { withServer: true });
        throw error;
      }
    }
    return overview(units, name);
  });
}

function insert(
  units: StorageUnits,
  dataDir: string,
  storage: NewStorage & { server: StorageServer | undefined },
): void {
  const { name, server, volume, key, takesOver, settings } = storage;
  units.configuration.change((configuration) => {
    const { servers, pools } = configuration;
    const id = server === undefined ? null : `${serverTypes[server.kind]}:${name}`;
    const isTaken = units.has(name) || units.pools().has(name) || (id !== null && Object.hasOwn(servers, id));
    if (isTaken) {
      throw new PrimaryError(
        "already_exists",
        `there is a storage unit, disk pool or server "${name}" already`,
      );
    }
    if (id !== null && server !== undefined) servers[id] = server;
    checkVolume({ pools, servers }, { server: id, volume }, dataDir);
    pools[name] = poolSchema.parse({ server: id, volume });
    configuration.units[name] = { pool: name, takesOver };
    if (key === undefined) return;
    const folder = join(dataDir, "storage", name);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    writeFileDurablySync(join(folder, "password"), `${key.trim()}\n`, 0o600);
  });
  units.settings.delete(name);
  units.settings.set(name, { ...units.settings.get(name), ...settings });
}

/**
 * Opens a storage unit's repository, as a job would; it is made when there is none yet.
 * @throws PrimaryError `no_storage_unit`
 */
export function checkStorage(options: StorageAdministrationOptions, name: string): Promise<StorageCheck> {
  return withStorage(options, async (units) => {
    const unit = units.get(name);
    try {
      await unit.ready();
    } catch (error) {
      // What is wrong is the answer; anything else is a bug.
      if (!(error instanceof PrimaryError)) throw error;
    }
    const freeBytes = (await unit.space().catch(() => undefined))?.freeBytes;
    return { ...(await overview(units, name)), ...unit.health, freeBytes };
  });
}

/**
 * Removes a storage unit, its pool and its server, or says what would be removed and what is in the way.
 * @throws PrimaryError `in_use`, `no_storage_unit`
 */
export function removeStorage(
  options: StorageAdministrationOptions,
  name: string,
  { dryRun }: { dryRun: boolean },
): Promise<{ location: string; obstacles: string[] }> {
  return withStorage(options, async (units) => {
    const { location } = await units.get(name).access();
    if (dryRun) return { location, obstacles: units.obstaclesTo(name) };
    await units.remove(name, { withServer: true });
    return { location, obstacles: [] };
  });
}

async function overview(units: StorageUnits, name: string): Promise<StorageOverview> {
  const { location } = await units.get(name).access();
  const kind = units.kindOf(name);
  return { name, kind, location, images: units.imagesOn(name), ...units.settings.get(name) };
}

function parseName(name: string): string {
  const parsed = newUnitNameSchema.safeParse(name);
  if (parsed.success) return parsed.data;
  throw new PrimaryError("invalid_request", `the name of a storage unit ${parsed.error.issues[0]?.message}`);
}
