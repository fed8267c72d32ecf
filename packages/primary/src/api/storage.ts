import { statfs } from "node:fs/promises";
import { Hono } from "hono";
import { z } from "zod";
import { PrimaryError } from "../errors.ts";
import { limits } from "../limits.ts";
import type { StorageSettings, StorageSettingsStore } from "../storage/storage-settings.ts";
import { defaultStorageUnit } from "../storage/storage-unit.ts";
import type { ApiEnvironment, ApiRoutes } from "./environment.ts";
import { linksOf, paginationOf, readPage } from "./pagination.ts";
import { readJson } from "./request-body.ts";

const patchSchema = z.object({
  data: z.object({
    type: z.literal("storageUnit"),
    attributes: z
      .object({
        maxConcurrentJobs: z.int().min(1).max(limits.maxJobsOfStorageUnit).optional(),
        useWorm: z.boolean().optional(),
        onDemandOnly: z.boolean().optional(),
      })
      .default({}),
  }),
});

/** What the routes of storage work on. */
export interface StorageRoutesOptions {
  dataDir: string;
  storageSettings: StorageSettingsStore;
  primaryName: string;
}

const poolName = "pool_local";
const category = "ADVANCED_DISK";
const serverType = "AdvancedDisk";

/** The storage unit, its disk pool and its server: one of each, made with the primary. */
export function storageRoutes({ dataDir, storageSettings, primaryName }: StorageRoutesOptions): ApiRoutes {
  const serverId = `${serverType}:${primaryName}`;
  const space = async () => {
    const { bsize, blocks, bavail, bfree } = await statfs(dataDir);
    return { totalBytes: bsize * blocks, freeBytes: bsize * bavail, usedBytes: bsize * (blocks - bfree) };
  };
  const unit = async () => unitResource(storageSettings.get(defaultStorageUnit), await space());
  const checkName = (name: string) => {
    if (name !== defaultStorageUnit)
      throw new PrimaryError("not_found", `there is no storage unit "${name}"`);
  };
  const listOf = (
    context: { req: { url: string; query: (name: string) => string | undefined } },
    item: object,
  ) => {
    if ((context.req.query("filter") ?? "") !== "" || (context.req.query("sort") ?? "") !== "") {
      throw new PrimaryError("invalid_filter", "there is one: filter and sort are not supported here");
    }
    const page = readPage((name) => context.req.query(name), limits.maxPolicyPageItems);
    const pagination = paginationOf(1, page);
    return {
      data: page.offset === 0 ? [item] : [],
      meta: { pagination },
      links: linksOf(context.req.url, pagination),
    };
  };
  return new Hono<ApiEnvironment>()
    .get("/storage/storage-units", async (context) => {
      const filter = context.req.query("filter") ?? "";
      // The one filter that NetBackup's own samples use.
      const named = /^\s*name\s+eq\s+'([^']*)'\s*$/.exec(filter)?.[1];
      if (named === undefined) return context.json(listOf(context, await unit()));
      const data = named === defaultStorageUnit ? [await unit()] : [];
      const pagination = paginationOf(
        data.length,
        readPage((name) => context.req.query(name), limits.maxPolicyPageItems),
      );
      return context.json({ data, meta: { pagination }, links: linksOf(context.req.url, pagination) });
    })
    .get("/storage/storage-units/:name", async (context) => {
      checkName(context.req.param("name"));
      return context.json({ data: await unit() });
    })
    .patch("/storage/storage-units/:name", async (context) => {
      checkName(context.req.param("name"));
      const change = (await readJson(context, patchSchema)).data.attributes;
      const old = storageSettings.get(defaultStorageUnit);
      storageSettings.set(defaultStorageUnit, {
        maxConcurrentJobs: change.maxConcurrentJobs ?? old.maxConcurrentJobs,
        useWorm: change.useWorm ?? old.useWorm,
        onDemandOnly: change.onDemandOnly ?? old.onDemandOnly,
      });
      return context.json({ data: await unit() });
    })
    .get("/storage/disk-pools", async (context) =>
      context.json(listOf(context, poolResource(await space(), serverId))),
    )
    .get("/storage/storage-servers", (context) =>
      context.json(listOf(context, serverResource(serverId, primaryName))),
    );
}

interface Space {
  totalBytes: number;
  freeBytes: number;
  usedBytes: number;
}

function unitResource(settings: StorageSettings, { totalBytes, freeBytes, usedBytes }: Space) {
  return {
    type: "storageUnit",
    id: defaultStorageUnit,
    links: { self: { href: `/storage/storage-units/${defaultStorageUnit}` } },
    attributes: {
      name: defaultStorageUnit,
      storageType: "Disk",
      storageSubType: serverType,
      storageServerType: serverType,
      storageCategory: category,
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
      isCloudSTU: false,
      freeCapacityBytes: freeBytes,
      totalCapacityBytes: totalBytes,
      usedCapacityBytes: usedBytes,
      maxFragmentSizeMegabytes: 524_288,
      maxConcurrentJobs: settings.maxConcurrentJobs,
      onDemandOnly: settings.onDemandOnly,
      wormCapable: true,
      useWorm: settings.useWorm,
    },
    relationships: {
      diskPool: {
        links: { related: { href: `/storage/disk-pools/${poolName}` } },
        data: { type: "diskPool", id: poolName },
      },
    },
  };
}

function poolResource({ totalBytes, freeBytes, usedBytes }: Space, serverId: string) {
  return {
    type: "diskPool",
    id: poolName,
    links: { self: { href: `/storage/disk-pools/${poolName}` } },
    attributes: {
      name: poolName,
      sType: serverType,
      storageCategory: category,
      diskVolumes: [
        {
          name: "repository",
          id: defaultStorageUnit,
          diskMediaId: defaultStorageUnit,
          state: "UP",
          rawSizeBytes: totalBytes,
          freeSizeBytes: freeBytes,
          isReplicationSource: false,
          isReplicationTarget: false,
          wormIndelibleMinimumInterval: 0,
          wormIndelibleMaximumInterval: Math.floor(limits.maxWormLockMs / 1000),
        },
      ],
      maximumIoStreams: { limitIoStreams: false },
      diskPoolState: "UP",
      rawSizeBytes: totalBytes,
      usableSizeBytes: totalBytes,
      availableSpaceBytes: freeBytes,
      usedCapacityBytes: usedBytes,
      wormCapable: true,
      readOnly: false,
      comment: "",
      diskPoolCapabilities: [],
      mediaServersCount: 1,
    },
    relationships: { storageServers: { links: {}, data: [{ type: "storageServer", id: serverId }] } },
  };
}

function serverResource(serverId: string, primaryName: string) {
  return {
    type: "storageServer",
    id: serverId,
    links: { self: { href: `/storage/storage-servers/${encodeURIComponent(serverId)}` } },
    attributes: {
      name: primaryName,
      storageCategory: category,
      sType: serverType,
      storageServerState: "UP",
      // Restic encrypts every repository, with a key of its own.
      encryptionEnabled: true,
      kmsEnabled: false,
      isSnapshotSupported: false,
      isAcceleratorSupported: false,
      isAIRSupported: false,
      isWormSupported: true,
      isUshareSupported: false,
      storageServerCapabilities: [],
      storageUnits: [defaultStorageUnit],
      additionalMediaServersDetails: [],
    },
  };
}
