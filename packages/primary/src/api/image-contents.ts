import { Hono } from "hono";
import type { Catalogue } from "../catalogue/catalogue.ts";
import type { ImageContents } from "../catalogue/image-contents.ts";
import { limits } from "../limits.ts";
import type { SnapshotEntry } from "../storage/snapshot-listing.ts";
import type { ApiEnvironment, ApiRoutes } from "./environment.ts";
import { findImage } from "./images.ts";
import { linkTo, readInteger } from "./pagination.ts";

const pageStep = 50;

/** What an image holds, page by page: `/catalog/images/{backupId}/contents` begins, the request's own path goes on. */
export function imageContentRoutes({
  catalogue,
  contents,
}: {
  catalogue: Catalogue;
  contents: ImageContents;
}): ApiRoutes {
  return new Hono<ApiEnvironment>()
    .get("/catalog/images/contents/:requestId", async (context) => {
      const { entries, offset, limit } = await contents.next(context.req.param("requestId"));
      const pagination = {
        offset,
        limit,
        first: 0,
        ...(offset > 0 ? { prev: Math.max(0, offset - limit) } : {}),
      };
      return context.json({
        data: entries.map((entry, index) => resource(entry, offset + index)),
        meta: { pagination },
        links: { next: linkTo(context.req.url, {}) },
      });
    })
    .delete("/catalog/images/contents/:requestId", (context) => {
      contents.close(context.req.param("requestId"));
      return context.body(null, 204);
    })
    .get("/catalog/images/:backupId/contents", (context) => {
      const image = findImage(catalogue, context.req.param("backupId"));
      const asked = readInteger((name) => context.req.query(name), "page[limit]", {
        least: 1,
        most: limits.maxContentItems,
        fallback: limits.defaultContentItems,
      });
      const requestId = contents.open(image, Math.ceil(asked / pageStep) * pageStep);
      context.header("Location", `/netbackup/catalog/images/contents/${requestId}`);
      return context.json({ requestId }, 202);
    });
}

function resource(entry: SnapshotEntry, index: number) {
  const iso = (epochMs: number) => new Date(epochMs).toISOString();
  return {
    type: "imageContents",
    id: String(index),
    attributes: {
      blockNumber: 0,
      deviceNumber: 0,
      rawPartitionSize: 0,
      compressedFileSize: 0,
      fileSize: entry.size,
      // NetBackup ends the path of a folder with a slash.
      filePath: entry.isFolder ? `${entry.path}/` : entry.path,
      inImageFlag: 1,
      pathMode: entry.mode,
      user: String(entry.uid),
      group: String(entry.gid),
      lastAccessTime: iso(entry.accessedMs),
      lastModifiedTime: iso(entry.modifiedMs),
      inodeLastModified: iso(entry.changedMs),
    },
  };
}
