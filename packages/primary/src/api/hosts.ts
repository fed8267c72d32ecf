import { createHash } from "node:crypto";
import { arch, release, type as osName, version } from "node:os";
import { Hono } from "hono";
import { z } from "zod";
import type { HostLists, ListOwner } from "../backup/host-lists.ts";
import type { ClientFile } from "../clients/ssh-client.ts";
import { PrimaryError } from "../errors.ts";
import { constantField, constantWord } from "../filter/constant-field.ts";
import { compileFilter, type FilterFields } from "../filter/filter.ts";
import { limits } from "../limits.ts";
import type { ApiEnvironment, ApiRoutes } from "./environment.ts";
import { readJson } from "./request-body.ts";

const entrySchema = z
  .string()
  .min(1)
  .refine(
    (text) => Buffer.byteLength(text) < limits.maxPathBytes,
    `must be shorter than ${limits.maxPathBytes} bytes`,
  )
  .refine((text) => !/[\0\n]/.test(text) && text.isWellFormed(), "must be one line of text")
  .refine((text) => !text.startsWith("!"), "must not begin with !");
const listSchema = z.object({
  data: z.object({
    type: z.literal("hostConfiguration"),
    id: z.string(),
    attributes: z.object({ value: z.array(entrySchema).max(limits.maxSelections) }),
  }),
});

/** What the routes of hosts work on. */
export interface HostRoutesOptions {
  hostLists: HostLists;
  primaryName: string;
  clients: Pick<ClientFile, "list">;
  /** What tells this primary from every other, such as a public key. */
  identity: string;
}

/** `/config/hosts`: this machine and the clients that the administrator on premises has added, each with its exclude list. */
export function hostRoutes({ hostLists, primaryName, clients, identity }: HostRoutesOptions): ApiRoutes {
  const host = hostResource(primaryName, uuidOf(identity));
  const all = () => [
    host,
    ...clients.list().map(({ name }) => ({
      ...host,
      uuid: uuidOf(`${identity} ${name.toLowerCase()}`),
      hostName: name,
      nbuHostType: "CLIENT",
      // What it really is, nobody has asked it.
      osVersion: "",
      osReleaseVersion: "",
      cpuArchitecture: "",
      hwDescription: "",
    })),
  ];
  const findHost = (id: string) => {
    const found = all().find(({ uuid }) => uuid === id);
    if (found === undefined) throw new PrimaryError("not_found", `there is no host ${id}`);
    return found;
  };
  const ownerOf = (id: string): ListOwner => {
    const { uuid, hostName } = findHost(id);
    return uuid === host.uuid ? { thisMachine: true } : { client: hostName };
  };
  const nameOf = (name: string) => {
    if (name.toLowerCase() === "exclude") return "Exclude";
    throw new PrimaryError(
      "not_implemented",
      `the configuration "${name}" is not supported: only Exclude is`,
    );
  };
  const missing = () => new PrimaryError("not_found", "Exclude is not set on this host");
  return new Hono<ApiEnvironment>()
    .get("/config/hosts", (context) => {
      const filter = context.req.query("filter");
      // Each is asked like a list of one.
      return context.json({
        hosts: all().filter((one) => hostLists.isTrue(compileFilter(filter, fieldsOf(one)))),
      });
    })
    .get("/config/hosts/:id", (context) => context.json(findHost(context.req.param("id"))))
    .get("/config/hosts/:id/configurations/:name", (context) => {
      const id = context.req.param("id");
      const owner = ownerOf(id);
      const name = nameOf(context.req.param("name"));
      const value = hostLists.get(owner, name);
      if (value === undefined) throw missing();
      const links = { self: { href: `/config/hosts/${id}/configurations/${name}` } };
      return context.json({ data: { type: "hostConfiguration", id: name, links, attributes: { value } } });
    })
    .post("/config/hosts/:id/configurations", async (context) => {
      const owner = ownerOf(context.req.param("id"));
      const { id, attributes } = (await readJson(context, listSchema)).data;
      const name = nameOf(id);
      if (hostLists.get(owner, name) !== undefined) {
        throw new PrimaryError("already_exists", `${name} is set already: change it with PUT`);
      }
      hostLists.set(owner, name, attributes.value);
      return context.body(null, 204);
    })
    .put("/config/hosts/:id/configurations/:name", async (context) => {
      const owner = ownerOf(context.req.param("id"));
      const name = nameOf(context.req.param("name"));
      const { attributes } = (await readJson(context, listSchema)).data;
      if (hostLists.get(owner, name) === undefined) throw missing();
      hostLists.set(owner, name, attributes.value);
      return context.body(null, 204);
    })
    .delete("/config/hosts/:id/configurations/:name", (context) => {
      const owner = ownerOf(context.req.param("id"));
      const name = nameOf(context.req.param("name"));
      if (hostLists.get(owner, name) === undefined) throw missing();
      hostLists.delete(owner, name);
      return context.body(null, 204);
    });
}

type Host = Omit<ReturnType<typeof hostResource>, "cpuArchitecture" | "hwDescription">;

function fieldsOf(host: Host): FilterFields {
  return {
    hostName: constantField(host.hostName),
    uuid: constantField(host.uuid),
    trustVersion: constantField(host.trustVersion),
    vxUpdatePlatform: constantField(host.vxUpdatePlatform),
    osType: constantField(host.osType),
    nbuReleaseVersion: constantField(host.nbuReleaseVersion),
    nbuHostType: constantWord(host.nbuHostType),
    dteClientMode: constantWord(host.dteClientMode),
    lastUpdateTimeUTC: { sql: "0", type: "timeMs" },
    decommissionedDateTime: { sql: "0", type: "timeMs" },
  };
}

function hostResource(hostName: string, uuid: string) {
  return {
    uuid,
    hostName,
    masterServer: hostName,
    osType: osName(),
    osVersion: version(),
    osReleaseVersion: release(),
    cpuArchitecture: arch(),
    hwDescription: arch(),
    nbuVersion: "Sallyport",
    nbuReleaseVersion: "Sallyport",
    nbuHostType: "PRIMARY_SERVER",
    installedPackages: "",
    installedEEBs: "",
    vxUpdatePlatform: "",
    isSecureEnabled: true,
    autoReissue: false,
    autoReissueDuration: 0,
    externalCertificateSubject: "",
    hasNetBackupCaHostCertificate: true,
    servers: [hostName],
    comment: "",
    hostMappings: [],
    trustVersion: "1",
    createdDateTime: 0,
    lastUpdatedDateTime: 0,
    machineType: "UNKNOWN",
    hypervisorType: "NONE",
    machineNbuType: "NOT_DEFINED",
    dteClientMode: "UNDEFINED",
    fipsEnabled: "UNKNOWN",
  };
}

function uuidOf(identity: string): string {
  const hex = createHash("sha256").update(identity).digest("hex");
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `8${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join("-");
}
