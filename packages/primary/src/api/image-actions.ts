import { Hono, type Context } from "hono";
import { z } from "zod";
import type { Catalogue } from "../catalogue/catalogue.ts";
import type { Expiry } from "../catalogue/expiry.ts";
import type { CatalogueImage } from "../catalogue/image.ts";
import { PrimaryError } from "../errors.ts";
import type { JobQueue } from "../jobs/job-queue.ts";
import { limits } from "../limits.ts";
import type { ApiEnvironment, ApiRoutes } from "./environment.ts";
import { neverExpires } from "./image-resource.ts";
import { findImage } from "./images.ts";
import { readParts } from "./multipart.ts";
import { parseJson, readJson } from "./request-body.ts";

const byBackupIdSchema = z.object({
  backupId: z.string().optional(),
  date: z.iso.datetime({ offset: true }).optional(),
});
const expirationSchema = z.object({
  data: z.object({
    type: z.enum(["byBackupId", "byRecalculating", "byServerName", "byServerType", "byMediaId"]),
    // Samples have the members here, the published schema one level lower.
    attributes: z.looseObject({ ...byBackupIdSchema.shape, byBackupId: byBackupIdSchema.optional() }),
  }),
});

const selectedSchema = z
  .array(
    z
      .union([z.string(), z.object({ backupId: z.string() })])
      .transform((one) => (typeof one === "string" ? one : one.backupId)),
  )
  .min(1)
  .max(limits.maxSelectedImages);

/** What is done to images. */
export interface ImageActionOptions {
  catalogue: Catalogue;
  expiry: Expiry;
  queue: JobQueue;
}

/** Expiration and verification of images below `/catalog`. */
export function imageActionRoutes({ catalogue, expiry, queue }: ImageActionOptions): ApiRoutes {
  /** The documented answers to these have no 404. */
  const readSelected = async (context: Context): Promise<CatalogueImage[]> => {
    const parts = await readParts(context);
    const ids = parseJson(await parts.required("selectionsFile"), selectedSchema, "selectionsFile");
    return [...new Set(ids)].map((backupId) => {
      const image = catalogue.find(backupId);
      if (image === undefined) throw new PrimaryError("invalid_request", `there is no image "${backupId}"`);
      return image;
    });
  };
  return new Hono<ApiEnvironment>()
    .post("/catalog/images/update-expiration-date", async (context) => {
      const { type, attributes } = (await readJson(context, expirationSchema)).data;
      if (type !== "byBackupId") {
        throw new PrimaryError("not_implemented", `"${type}" is not supported: use byBackupId`);
      }
      const { backupId, date } = attributes.byBackupId ?? attributes;
      if (backupId === undefined || date === undefined) {
        throw new PrimaryError("invalid_request", "byBackupId needs backupId and date");
      }
      const expiresAtMs = Date.parse(date);
      const isNever = expiresAtMs >= Date.parse(neverExpires);
      expiry.setExpiration([findImage(catalogue, backupId)], isNever ? null : expiresAtMs);
      return context.body(null, 204);
    })
    .post("/catalog/expire-images", async (context) => {
      expiry.setExpiration(await readSelected(context), 0);
      return context.body(null, 204);
    })
    .post("/catalog/verify-images", async (context) => {
      const images = await readSelected(context);
      const [first] = images;
      const { id } = queue.submit({
        type: "VERIFY",
        clientName: first?.clientName ?? "",
        policyName: images.length === 1 ? (first?.policyName ?? "") : "",
        scheduleName: "",
        storageUnit: first?.storageUnit ?? "",
        owner: context.get("principal").userName,
        request: { backupIds: images.map(({ backupId }) => backupId) },
      });
      context.header("Location", `/netbackup/admin/jobs/${id}`);
      return context.body(null, 202);
    });
}
