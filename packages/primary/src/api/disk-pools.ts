import { Hono } from "hono";
import { z } from "zod";
import { PrimaryError } from "../errors.ts";
import { poolSchema, storageNameSchema, type DiskPool } from "../storage/storage-configuration.ts";
import { checkVolume } from "../storage/volume-rules.ts";
import { defaultDiskPool } from "../storage/storage-unit.ts";
import type { ApiEnvironment, ApiRoutes } from "./environment.ts";
import { readJson } from "./request-body.ts";
import { listStorage } from "./storage-list.ts";
import { localServerId, poolReason, poolResource, type StorageResourceContext } from "./storage-resources.ts";

const settings = {
  comment: z.string().max(1024).optional(),
  highWaterMark: z.int().min(1).max(100).optional(),
};

const createSchema = z.object({
  data: z.object({
    type: z.literal("diskPool"),
    attributes: z.object({
      name: storageNameSchema,
      diskVolumes: z.array(z.object({ name: z.string() })).length(1, "a disk pool has one volume here"),
      ...settings,
    }),
    relationships: z.object({
      storageServers: z.object({
        data: z
          .array(z.object({ type: z.literal("storageServer"), id: z.string() }))
          .length(1, "a disk pool has one storage server"),
      }),
    }),
  }),
});
const patchSchema = z.object({
  data: z.object({ type: z.literal("diskPool"), attributes: z.object(settings).default({}) }),
});

/** `/storage/disk-pools`: repositories on storage servers. */
export function diskPoolRoutes(options: StorageResourceContext & { dataDir: string }): ApiRoutes {
  const { units, primaryName, dataDir } = options;
  const get = (name: string): DiskPool => {
    const pool = units.pools().get(name);
    if (pool === undefined) throw new PrimaryError("not_found", `there is no disk pool "${name}"`);
    return pool;
  };
  return new Hono<ApiEnvironment>()
    .get("/storage/disk-pools", async (context) => {
      const names = [...units.pools().keys()];
      return context.json(
        await listStorage(context, names, (name) => poolResource(options, name, get(name))),
      );
    })
    .post("/storage/disk-pools", async (context) => {
      const { attributes, relationships } = (await readJson(context, createSchema)).data;
      const { name, comment, highWaterMark } = attributes;
      const volume = attributes.diskVolumes[0]?.name ?? "";
      const serverId = relationships.storageServers.data[0]?.id ?? "";
      const server = serverId === localServerId(primaryName) ? null : serverId;
      units.configuration.change(({ pools, servers }) => {
        if (units.pools().has(name)) {
          throw new PrimaryError("already_exists", `there is a disk pool "${name}" already`);
        }
        checkVolume({ pools, servers }, { server, volume }, dataDir);
        pools[name] = poolSchema.parse({ server, volume, comment, highWaterMark });
      });
      return context.json({ data: await poolResource(options, name, get(name)) }, 201);
    })
    .get("/storage/disk-pools/:name", async (context) => {
      const name = context.req.param("name");
      const resource = await poolResource(options, name, get(name));
      const reason = poolReason(options, name);
      const own = reason === "" ? {} : { sallyport: { reason } };
      return context.json({ data: { ...resource, attributes: { ...resource.attributes, ...own } } });
    })
    .patch("/storage/disk-pools/:name", async (context) => {
      const name = context.req.param("name");
      get(name);
      const given = (await readJson(context, patchSchema)).data.attributes;
      units.configuration.change(({ pools }) => {
        const { comment, highWaterMark, ...old } = get(name);
        pools[name] = {
          ...old,
          comment: given.comment ?? comment,
          highWaterMark: given.highWaterMark ?? highWaterMark,
        };
      });
      return context.json({ data: await poolResource(options, name, get(name)) });
    })
    .delete("/storage/disk-pools/:name", (context) => {
      const name = context.req.param("name");
      get(name);
      units.configuration.change(({ pools }) => {
        const user = units.names().find((unit) => units.poolOf(unit) === name);
        if (user !== undefined || name === defaultDiskPool) {
          throw new PrimaryError(
            "in_use",
            `the disk pool "${name}" is the storage unit "${user}": delete that first`,
          );
        }
        delete pools[name];
      });
      return context.body(null, 204);
    });
}
