import { limits } from "../limits.ts";
import type { DiskPool } from "../storage/storage-configuration.ts";
import { serverTypes, type StorageKind, type StorageServer } from "../storage/storage-server.ts";
import type { StorageUnits } from "../storage/storage-units.ts";

/** A disk's bytes. */
interface Space {
  totalBytes: number;
  freeBytes: number;
  usedBytes: number;
}

/** What storage resources are made of. */
export interface StorageResourceContext {
  units: StorageUnits;
  primaryName: string;
}

const categories = {
  local: "ADVANCED_DISK",
  s3: "CLOUD",
  sftp: "OPEN_STORAGE",
  rest: "OPEN_STORAGE",
  rclone: "OPEN_STORAGE",
} as const satisfies Record<StorageKind, string>;

/** The id of the server that is this machine. */
export function localServerId(primaryName: string): string {
  return `${serverTypes.local}:${primaryName}`;
}

function kindOf({ units }: StorageResourceContext, pool: DiskPool | undefined): StorageKind {
  if (pool?.server == null) return "local";
  return units.configuration.get().servers[pool.server]?.kind ?? "local";
}

/** A storage unit as `/storage/storage-units` shows it. */
export async function unitResource(context: StorageResourceContext, name: string) {
  const { units } = context;
  const { maxConcurrentJobs, onDemandOnly, useWorm } = units.settings.get(name);
  const poolName = units.poolOf(name);
  const kind = kindOf(context, units.pools().get(poolName));
  const space = await spaceOf(context, name);
  return {
    type: "storageUnit",
    id: name,
    links: { self: { href: `/storage/storage-units/${encodeURIComponent(name)}` } },
    attributes: {
      name,
      storageType: kind === "s3" ? "Cloud" : "Disk",
      storageSubType: serverTypes[kind],
      storageServerType: serverTypes[kind],
      storageCategory: categories[kind],
      useAnyAvailableMediaServer: true,
      accelerator: false,
      replicationCapable: false,
      replicationSourceCapable: false,
      replicationTargetCapable: false,
      snapshot: false,
      mirror: false,
      independent: false,
      primary: false,
      instantAccessEnabled: false,
      scaleOutEnabled: false,
      isCloudSTU: kind === "s3",
      ...(space === undefined
        ? {}
        : {
            freeCapacityBytes: space.freeBytes,
            totalCapacityBytes: space.totalBytes,
            usedCapacityBytes: space.usedBytes,
          }),
      maxFragmentSizeMegabytes: 524_288,
      maxConcurrentJobs,
      onDemandOnly,
      wormCapable: true,
      useWorm,
    },
    relationships: {
      diskPool: {
        links: { related: { href: `/storage/disk-pools/${encodeURIComponent(poolName)}` } },
        data: { type: "diskPool", id: poolName },
      },
    },
  };
}

/** A disk pool as `/storage/disk-pools` shows it: one volume, which is where its repository lies. */
export async function poolResource(context: StorageResourceContext, name: string, pool: DiskPool) {
  const { units, primaryName } = context;
  const kind = kindOf(context, pool);
  const unitName = units.names().find((unit) => units.poolOf(unit) === name);
  const isDown = unitName !== undefined && units.get(unitName).health.state === "DOWN";
  const space = unitName === undefined ? undefined : await spaceOf(context, unitName);
  const serverId = pool.server ?? localServerId(primaryName);
  return {
    type: "diskPool",
    id: name,
    links: { self: { href: `/storage/disk-pools/${encodeURIComponent(name)}` } },
    attributes: {
      name,
      sType: serverTypes[kind],
      storageCategory: categories[kind],
      diskVolumes: [
        {
          name: pool.volume,
          id: unitName ?? name,
          diskMediaId: unitName ?? name,
          // What has not been used since the start is not known to be down.
          state: isDown ? "DOWN" : "UP",
          ...(space === undefined ? {} : { rawSizeBytes: space.totalBytes, freeSizeBytes: space.freeBytes }),
          isReplicationSource: false,
          isReplicationTarget: false,
          wormIndelibleMinimumInterval: 0,
          wormIndelibleMaximumInterval: Math.floor(limits.maxWormLockMs / 1000),
        },
      ],
      ...(pool.server === null ? { highWaterMark: pool.highWaterMark } : {}),
      maximumIoStreams: { limitIoStreams: false },
      diskPoolState: isDown ? "DOWN" : "UP",
      ...(space === undefined
        ? {}
        : {
            rawSizeBytes: space.totalBytes,
            usableSizeBytes: space.totalBytes,
            availableSpaceBytes: space.freeBytes,
            usedCapacityBytes: space.usedBytes,
          }),
      wormCapable: true,
      readOnly: false,
      comment: pool.comment,
      diskPoolCapabilities: [],
      mediaServersCount: 1,
    },
    relationships: { storageServers: { links: {}, data: [{ type: "storageServer", id: serverId }] } },
  };
}

/** Why a disk pool is down; empty when nothing is known to be wrong. NetBackup's list has no place for it, a single pool does. */
export function poolReason({ units }: StorageResourceContext, name: string): string {
  const unitName = units.names().find((unit) => units.poolOf(unit) === name);
  return unitName === undefined ? "" : units.get(unitName).health.reason;
}

/** A storage server as `/storage/storage-servers` shows it; undefined: this machine. */
export function serverResource(
  { units, primaryName }: StorageResourceContext,
  id: string,
  server: StorageServer | undefined,
) {
  const kind = server?.kind ?? "local";
  const ownPools = [...units.pools()].filter(
    ([, pool]) => (pool.server ?? localServerId(primaryName)) === id,
  );
  const ownUnits = units.names().filter((name) => ownPools.some(([pool]) => pool === units.poolOf(name)));
  const isDown = ownUnits.length > 0 && ownUnits.every((name) => units.get(name).health.state === "DOWN");
  return {
    type: "storageServer",
    id,
    links: { self: { href: `/storage/storage-servers/${encodeURIComponent(id)}` } },
    attributes: {
      name: id.slice(id.indexOf(":") + 1),
      storageCategory: categories[kind],
      sType: serverTypes[kind],
      storageServerState: isDown ? "DOWN" : "UP",
      // Restic encrypts every repository, with a key of its own.
      encryptionEnabled: true,
      kmsEnabled: false,
      isSnapshotSupported: false,
      isAcceleratorSupported: false,
      isAIRSupported: false,
      isWormSupported: true,
      isUshareSupported: false,
      storageServerCapabilities: [],
      storageUnits: ownUnits,
      additionalMediaServersDetails: [],
      ...(categories[kind] === "OPEN_STORAGE"
        ? { openStorageAttributes: { storageServerType: serverTypes[kind] } }
        : {}),
    },
  };
}

/** What may be shown of a server, beside what NetBackup's list has a place for. */
export function withoutSecrets(server: StorageServer) {
  switch (server.kind) {
    case "sftp": {
      const { kind, host, port, user, hostKeys } = server;
      return { kind, host, port, user, hostKeys };
    }
    case "s3": {
      const { kind, endpoint, region, pathStyle, accessKeyId } = server;
      return { kind, endpoint, ...(region === undefined ? {} : { region }), pathStyle, accessKeyId };
    }
    case "rest": {
      const { kind, url, user } = server;
      return { kind, url, user };
    }
    case "rclone":
      return { kind: server.kind };
  }
}

/** undefined as well when the disk can't be looked at now. */
async function spaceOf({ units }: StorageResourceContext, name: string): Promise<Space | undefined> {
  try {
    return await units.get(name).space();
  } catch {
    // Not mounted, or gone: its state says so.
    return undefined;
  }
}
