import { Hono } from "hono";
import type { Catalogue } from "../catalogue/catalogue.ts";
import type { CatalogueImage } from "../catalogue/image.ts";
import type { Clock } from "../clock.ts";
import { PrimaryError } from "../errors.ts";
import { limits } from "../limits.ts";
import type { ApiEnvironment, ApiRoutes } from "./environment.ts";
import { constantField, constantFlag, constantWord } from "../filter/constant-field.ts";
import { compileFilter, type FilterFields } from "../filter/filter.ts";
import { imageResource } from "./image-resource.ts";
import { paginationOf, readPage } from "./pagination.ts";

const dayS = 86_400;

/** What images can be filtered by. */
export const imageFields: FilterFields = {
  backupId: { sql: "backup_id", type: "text" },
  clientName: { sql: "client_name", type: "text" },
  policyName: { sql: "policy_name", type: "text" },
  scheduleName: { sql: "schedule_name", type: "text" },
  keyword: { sql: "''", type: "text" },
  policyType: { sql: "upper(policy_type)", type: "enum" },
  scheduleType: { sql: "schedule_type", type: "enum" },
  backupTime: { sql: "backup_time_s", type: "timeS" },
  providerGeneratedId: { sql: "snapshot_id", type: "text" },
  // What NetBackup's images can be asked for and is the same of every image here.
  streamNumber: constantField(0),
  appType: constantWord("NONE"),
  imageDteMode: constantWord("ON"),
  copyDteMode: constantWord("ON"),
  hierarchicalDteMode: constantWord("ON"),
  intelligentCatalogArchiving: constantWord("NO"),
  malwareScanResult: constantWord("NOT_SCANNED"),
  malwareStatus: constantWord("NOT_SCANNED"),
  anomalyStatus: constantWord("NOT_PROCESSED"),
  anomalySeverity: constantWord("NOT_PROCESSED"),
  fileScanResult: constantWord("NOT_PROCESSED"),
  fileHashSearchResult: constantWord("NO_FILE_HASH_FOUND"),
  isOptimized: constantFlag(false),
  heldForDependentCopy: constantFlag(false),
};

/** Finds the image that a path or body names. @throws PrimaryError `not_found` */
export function findImage(catalogue: Catalogue, backupId: string): CatalogueImage {
  const image = catalogue.find(backupId);
  if (image === undefined) throw new PrimaryError("not_found", `there is no image "${backupId}"`);
  return image;
}

/** What the images' routes work on. */
export interface ImageRoutesOptions {
  catalogue: Catalogue;
  clock: Clock;
  primaryName: string;
}

/** `/catalog/images` */
export function imageRoutes({ catalogue, clock, primaryName }: ImageRoutesOptions): ApiRoutes {
  return new Hono<ApiEnvironment>()
    .get("/catalog/images", (context) => {
      const filter = compileFilter(context.req.query("filter"), imageFields);
      const page = readPage((name) => context.req.query(name), limits.maxPageItems);
      // Documented: without a filter on the time, the last day.
      const nowS = Math.floor(clock.nowMs() / 1000);
      const where = filter.fields.has("backupTime")
        ? filter
        : { sql: `(${filter.sql}) AND backup_time_s >= ?`, values: [...filter.values, nowS - dayS] };
      const pagination = paginationOf(catalogue.count(where), page);
      const data = catalogue.list(where, page).map((image) => imageResource(image, primaryName));
      return context.json({ data, meta: { pagination } });
    })
    .get("/catalog/images/:backupId", (context) =>
      context.json({ data: imageResource(findImage(catalogue, context.req.param("backupId")), primaryName) }),
    );
}
