import { Hono } from "hono";
import { z } from "zod";
import type { Catalogue } from "../catalogue/catalogue.ts";
import type { ImageContents } from "../catalogue/image-contents.ts";
import { PrimaryError } from "../errors.ts";
import { limits } from "../limits.ts";
import { pathProblem } from "../restore/path-rules.ts";
import type { ApiEnvironment, ApiRoutes } from "./environment.ts";
import { findImage } from "./images.ts";
import { readJson } from "./request-body.ts";

const pathSchema = z
  .union([z.string(), z.object({ path: z.string() })])
  .transform((one) => (typeof one === "string" ? one : one.path).replace(/(.)\/+$/, "$1"))
  .superRefine((path, context) => {
    const problem = pathProblem(path);
    if (problem !== undefined) context.addIssue({ code: "custom", message: problem });
  });
const requestSchema = z.object({
  data: z.object({
    type: z.literal("imageContentsTotalSizeInfoRequest"),
    attributes: z.object({
      recoveryPoint: z.object({ backupId: z.string().optional() }),
      fileList: z.array(pathSchema).min(1).max(limits.maxSelections),
    }),
  }),
});

/** `POST /catalog/image-contents-size`: how much a restore of these paths would bring, counted in the image's listing. */
export function imageSizeRoutes({
  catalogue,
  contents,
}: {
  catalogue: Catalogue;
  contents: ImageContents;
}): ApiRoutes {
  return new Hono<ApiEnvironment>().post("/catalog/image-contents-size", async (context) => {
    const { recoveryPoint, fileList } = (await readJson(context, requestSchema)).data.attributes;
    const { backupId } = recoveryPoint;
    if (backupId === undefined) {
      throw new PrimaryError("not_implemented", "a recoveryPoint is only found by its backupId: give that");
    }
    const size = await contents.measure(findImage(catalogue, backupId), fileList, context.req.raw.signal);
    const attributes = {
      sizeKB: Math.ceil(size.bytes / 1024),
      numFiles: size.files,
      numDirs: size.folders,
    };
    return context.json({
      data: { type: "imageContentsTotalSizeInfoResponse", id: backupId, attributes },
    });
  });
}
