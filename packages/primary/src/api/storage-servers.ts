import { Hono } from "hono";
import { z } from "zod";
import { PrimaryError } from "../errors.ts";
import {
  parseStorageServer,
  serverTypes,
  storageServerNameSchema,
  type StorageServer,
} from "../storage/storage-server.ts";
import type { ApiEnvironment, ApiRoutes } from "./environment.ts";
import { readJson } from "./request-body.ts";
import { listStorage } from "./storage-list.ts";
import {
  localServerId,
  serverResource,
  withoutSecrets,
  type StorageResourceContext,
} from "./storage-resources.ts";

/** NetBackup's own shape of a store with S3's protocol. */
const cloudSchema = z.object({
  serviceEndpoint: z.string().optional(),
  urlAccessStyle: z.enum(["PATH_STYLE", "VIRTUAL_STYLE"]).default("PATH_STYLE"),
  s3RegionDetails: z.array(z.object({ regionId: z.string(), serviceHost: z.string() })).optional(),
  cloudCredentials: z.object({
    authType: z.literal("ACCESS_KEY"),
    accessKeyDetails: z.object({ userName: z.string(), password: z.string() }),
  }),
});

/** What NetBackup has no shape for stands in `sallyport`. */
const ownSchema = z.looseObject({ kind: z.enum(["sftp", "s3", "rest", "rclone"]) });

const createSchema = z.object({
  data: z.object({
    type: z.literal("storageServer"),
    attributes: z.object({
      name: storageServerNameSchema,
      storageCategory: z.enum(["ADVANCED_DISK", "CLOUD", "CLOUD_CATALYST", "MSDP", "OPEN_STORAGE"]),
      cloudAttributes: cloudSchema.optional(),
      sallyport: ownSchema.optional(),
    }),
  }),
});
const patchSchema = z.object({
  data: z.object({
    type: z.literal("storageServer"),
    attributes: z.object({ sallyport: z.looseObject({}).default({}) }).default({ sallyport: {} }),
  }),
});

/** `/storage/storage-servers`: this machine, and servers with what opens them. No answer has a secret. */
export function storageServerRoutes(options: StorageResourceContext): ApiRoutes {
  const { units, primaryName } = options;
  const local = localServerId(primaryName);
  const get = (id: string): StorageServer | undefined => {
    const { servers } = units.configuration.get();
    if (id === local || Object.hasOwn(servers, id)) return servers[id];
    throw new PrimaryError("not_found", `there is no storage server "${id}"`);
  };
  const getRemote = (id: string): StorageServer => {
    const server = get(id);
    if (server !== undefined) return server;
    throw new PrimaryError("in_use", `${id} is this machine: it can't be changed or deleted`);
  };
  return new Hono<ApiEnvironment>()
    .get("/storage/storage-servers", async (context) => {
      const ids = [local, ...Object.keys(units.configuration.get().servers).toSorted()];
      return context.json(await listStorage(context, ids, (id) => serverResource(options, id, get(id))));
    })
    .post("/storage/storage-servers", async (context) => {
      const { attributes } = (await readJson(context, createSchema)).data;
      const server = parseStorageServer(readServer(attributes));
      const id = `${serverTypes[server.kind]}:${attributes.name}`;
      units.configuration.change(({ servers }) => {
        if (Object.hasOwn(servers, id)) {
          throw new PrimaryError("already_exists", `there is a storage server "${id}" already`);
        }
        servers[id] = server;
      });
      return context.json({ data: serverResource(options, id, server) }, 201);
    })
    .get("/storage/storage-servers/:id", (context) => {
      const id = context.req.param("id");
      return context.json({ data: detailed(options, id, get(id)) });
    })
    .patch("/storage/storage-servers/:id", async (context) => {
      const id = context.req.param("id");
      getRemote(id);
      const given = (await readJson(context, patchSchema)).data.attributes.sallyport;
      units.configuration.change(({ servers }) => {
        const old = getRemote(id);
        // Images lie where the server is: another one is another server.
        servers[id] = parseStorageServer({ ...old, ...given, kind: old.kind });
      });
      return context.json({ data: detailed(options, id, get(id)) });
    })
    .delete("/storage/storage-servers/:id", (context) => {
      const id = context.req.param("id");
      getRemote(id);
      units.configuration.change(({ servers, pools }) => {
        const [user] = Object.entries(pools).find(([, pool]) => pool.server === id) ?? [];
        if (user !== undefined) {
          throw new PrimaryError("in_use", `the disk pool "${user}" lies on ${id}: delete that first`);
        }
        delete servers[id];
      });
      return context.body(null, 204);
    });
}

/** A single server, which NetBackup's documents do not have: there its own attributes have their place. */
function detailed(context: StorageResourceContext, id: string, server: StorageServer | undefined) {
  const resource = serverResource(context, id, server);
  if (server === undefined) return resource;
  return { ...resource, attributes: { ...resource.attributes, sallyport: withoutSecrets(server) } };
}

function readServer(attributes: z.infer<typeof createSchema>["data"]["attributes"]): unknown {
  const { storageCategory, cloudAttributes: cloud, sallyport } = attributes;
  if (storageCategory === "CLOUD" && cloud !== undefined) {
    const { userName, password } = cloud.cloudCredentials.accessKeyDetails;
    const region = cloud.s3RegionDetails?.[0];
    const host = cloud.serviceEndpoint ?? region?.serviceHost ?? "";
    return {
      kind: "s3",
      endpoint: /^https?:\/\//.test(host) ? host : `https://${host}`,
      pathStyle: cloud.urlAccessStyle === "PATH_STYLE",
      ...(region === undefined ? {} : { region: region.regionId }),
      accessKeyId: userName,
      secretAccessKey: password,
    };
  }
  const isOurs = storageCategory === "OPEN_STORAGE" || storageCategory === "CLOUD";
  if (isOurs && sallyport !== undefined) return sallyport;
  throw new PrimaryError(
    "not_implemented",
    `storage servers of the category ${storageCategory} are not supported: use CLOUD with cloudAttributes, or ` +
      `OPEN_STORAGE with sallyport (kind sftp, s3, rest or rclone); a folder of this machine is a disk pool of its own server`,
  );
}
