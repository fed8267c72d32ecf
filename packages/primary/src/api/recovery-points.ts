import { Hono } from "hono";
import type { Catalogue } from "../catalogue/catalogue.ts";
import type { CatalogueImage } from "../catalogue/image.ts";
import type { Clock } from "../clock.ts";
import { PrimaryError } from "../errors.ts";
import { constantField, constantWord } from "../filter/constant-field.ts";
import { compileFilter, type FilterFields } from "../filter/filter.ts";
import { limits } from "../limits.ts";
import type { PolicyType } from "../policies/policy-type.ts";
import type { ApiEnvironment, ApiRoutes } from "./environment.ts";
import { readPage } from "./pagination.ts";

const weekS = 7 * 86_400;
const service = "/recovery-point-service/workloads/:workload/recovery-points";

/** The workloads that policies here protect; NetBackup's others have no images. */
const policyTypes: Readonly<Record<string, PolicyType>> = { postgresql: "PostgreSQL", mysql: "MySQL" };

/** NetBackup's asset is what was protected: here the client with the policy that names its databases. */
const assetId = "policy_name || ':' || client_name";

const fields: FilterFields = {
  backupTime: { sql: "backup_time_s", type: "timeS" },
  clientName: { sql: "client_name", type: "text" },
  assetId: { sql: assetId, type: "text" },
  // Documented as 1 for a full backup, 2 for an incremental one.
  backupType: { sql: "CASE schedule_type WHEN 'FULL' THEN 1 ELSE 2 END", type: "number" },
  malwareScanResult: constantWord("NOT_SCANNED"),
  appType: constantWord("NONE"),
  ...Object.fromEntries(
    ["fileName", "xbsaImageName", "agDbId", "backupName", "backupTag"].map((name) => [
      name,
      constantField(""),
    ]),
  ),
};

/** What the routes of recovery points work on. */
export interface RecoveryPointRoutesOptions {
  catalogue: Catalogue;
  clock: Clock;
}

/** `/recovery-point-service`: the images of databases. */
export function recoveryPointRoutes({ catalogue, clock }: RecoveryPointRoutesOptions): ApiRoutes {
  return new Hono<ApiEnvironment>()
    .get(service, (context) => {
      const type = typeOf(context.req.param("workload"));
      const query = (name: string) => context.req.query(name);
      const filter = compileFilter(query("filter"), fields);
      const page = readPage(query, limits.maxPageItems);
      // Documented: without a filter on the time, the last seven days.
      const sinceS = filter.fields.has("backupTime") ? 0 : Math.floor(clock.nowMs() / 1000) - weekS;
      const where = {
        sql: `(${filter.sql}) AND backup_time_s >= ? AND policy_type = ?`,
        values: [...filter.values, sinceS, type],
      };
      return context.json({ data: catalogue.list(where, page).map(resource) });
    })
    .get(`${service}/:id`, (context) => {
      const type = typeOf(context.req.param("workload"));
      const id = context.req.param("id");
      const image = catalogue.find(id);
      if (image?.policyType !== type)
        throw new PrimaryError("not_found", `there is no recovery point "${id}"`);
      return context.json({ data: resource(image) });
    });
}

function typeOf(workload: string): PolicyType {
  const type = Object.hasOwn(policyTypes, workload) ? policyTypes[workload] : undefined;
  if (type !== undefined) return type;
  throw new PrimaryError(
    "not_implemented",
    `the workload "${workload}" has no images here: there are ${Object.keys(policyTypes).join(" and ")}`,
  );
}

function resource(image: CatalogueImage) {
  const workload = Object.keys(policyTypes).find((name) => policyTypes[name] === image.policyType) ?? "";
  const path = service.slice(1).replace(":workload", workload);
  return {
    type: "recovery-point",
    id: image.backupId,
    // Without a slash at the beginning, as real servers write it.
    links: { self: { href: `${path}/${encodeURIComponent(image.backupId)}` } },
    attributes: {
      assetType: "INSTANCE",
      assetId: `${image.policyName}:${image.clientName}`,
      clientName: image.clientName,
      backupTime: new Date(image.backupTimeS * 1000).toISOString(),
      extendedAttributes: {},
    },
  };
}
