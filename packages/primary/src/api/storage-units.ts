import { Hono } from "hono";
import { z } from "zod";
import { PrimaryError } from "../errors.ts";
import { limits } from "../limits.ts";
import { newUnitNameSchema } from "../storage/storage-configuration.ts";
import { defaultDiskPool, defaultStorageUnit } from "../storage/storage-unit.ts";
import type { ApiEnvironment, ApiRoutes } from "./environment.ts";
import { readJson } from "./request-body.ts";
import { unitResource, type StorageResourceContext } from "./storage-resources.ts";
import { listStorage } from "./storage-list.ts";

const settings = {
  maxConcurrentJobs: z.int().min(1).max(limits.maxJobsOfStorageUnit).optional(),
  useWorm: z.boolean().optional(),
  onDemandOnly: z.boolean().optional(),
};
const relationships = z.object({
  diskPool: z.object({ data: z.object({ type: z.literal("diskPool"), id: z.string() }) }),
});

const createSchema = z.object({
  data: z.object({
    type: z.literal("storageUnit"),
    attributes: z.object({ name: newUnitNameSchema, ...settings }),
    relationships,
  }),
});
const patchSchema = z.object({
  data: z.object({
    type: z.literal("storageUnit"),
    attributes: z.object(settings).default({}),
    relationships: relationships.optional(),
  }),
});

/** `/storage/storage-units`: names for disk pools, with what is set of their use. */
export function storageUnitRoutes(options: StorageResourceContext): ApiRoutes {
  const { units } = options;
  const checkName = (name: string) => {
    if (!units.has(name)) throw new PrimaryError("not_found", `there is no storage unit "${name}"`);
  };
  const set = (name: string, change: z.infer<typeof createSchema>["data"]["attributes"] | object) => {
    const given = z.object(settings).parse(change);
    const old = units.settings.get(name);
    units.settings.set(name, {
      maxConcurrentJobs: given.maxConcurrentJobs ?? old.maxConcurrentJobs,
      useWorm: given.useWorm ?? old.useWorm,
      onDemandOnly: given.onDemandOnly ?? old.onDemandOnly,
    });
  };
  return new Hono<ApiEnvironment>()
    .get("/storage/storage-units", async (context) =>
      context.json(await listStorage(context, units.names(), (name) => unitResource(options, name))),
    )
    .post("/storage/storage-units", async (context) => {
      const { attributes, relationships: related } = (await readJson(context, createSchema)).data;
      const { name } = attributes;
      const pool = related.diskPool.data.id;
      units.configuration.change((configuration) => {
        if (units.has(name) || name === defaultStorageUnit) {
          throw new PrimaryError("already_exists", `there is a storage unit "${name}" already`);
        }
        if (!units.pools().has(pool)) throw noPool(pool);
        const isTaken = units.names().find((unit) => units.poolOf(unit) === pool);
        if (isTaken !== undefined) {
          throw new PrimaryError(
            "already_exists",
            `the disk pool "${pool}" is the storage unit "${isTaken}" already: here each has one`,
          );
        }
        configuration.units[name] = { pool, takesOver: false };
      });
      // A unit of that name that was removed has left its settings.
      units.settings.delete(name);
      set(name, attributes);
      return context.json({ data: await unitResource(options, name) }, 201);
    })
    .get("/storage/storage-units/:name", async (context) => {
      const name = context.req.param("name");
      checkName(name);
      return context.json({ data: await unitResource(options, name) });
    })
    .patch("/storage/storage-units/:name", async (context) => {
      const name = context.req.param("name");
      checkName(name);
      const { attributes, relationships: related } = (await readJson(context, patchSchema)).data;
      const pool = related?.diskPool.data.id;
      if (pool !== undefined && pool !== units.poolOf(name)) {
        throw new PrimaryError(
          "not_implemented",
          "a storage unit can't be moved to another disk pool: add another storage unit",
        );
      }
      set(name, attributes);
      return context.json({ data: await unitResource(options, name) });
    })
    .delete("/storage/storage-units/:name", async (context) => {
      const name = context.req.param("name");
      checkName(name);
      await units.remove(name, { withServer: false });
      return context.body(null, 204);
    });
}

function noPool(name: string): PrimaryError {
  return new PrimaryError("invalid_request", `there is no disk pool "${name}": make it first`, {
    attributeErrors: { diskPool: `not "${name}"; "${defaultDiskPool}" is the storage unit of this machine` },
  });
}
