import { createHash } from "node:crypto";
import { z } from "zod";
import type { ImageItem, imageOperations } from "@sallyport/nbwss";
import type { OutgoingNotification } from "../outbox/outbox.ts";
import { isoMs } from "./iso-time.ts";
import { wirePolicyType } from "./wire-words.ts";

/** What is remembered of an image: enough to tell that it has changed, and to tell of it when it is gone. */
export interface KnownImage {
  backupId: string;
  clientName: string;
  clientType: string;
  /** Epoch seconds. */
  backupTime: number;
  /** Epoch seconds. */
  createdTime: number;
  /** When its last copy expires, epoch seconds; undefined: never, or not told. */
  expiresAt: number | undefined;
  /** Copies that the server has of it. */
  copies: number;
  /** Changes with whatever of the image is worth an UPDATE. */
  fingerprint: string;
}

/** What one page of images came to. */
export interface ImageChanges {
  notifications: OutgoingNotification[];
  /** What is to be remembered from now on, in place of what was. */
  rows: KnownImage[];
}

const text = z.string().catch("");
const time = z
  .string()
  .nullish()
  .transform((value) => (typeof value === "string" ? isoMs(value) : undefined));

const fragment = z.looseObject({
  copyNumber: z.int().catch(0),
  copyDate: time,
  expiration: z.unknown(),
  mediaId: z.unknown(),
});

/** What is read of an image of `/catalog/images`. */
const imageResource = z.object({
  id: z.string().min(1).max(1024),
  attributes: z.looseObject({
    clientName: text,
    policyType: text,
    backupTime: z.string(),
    elapsedTimeSeconds: z.number().catch(0),
    expiration: time,
    numCopies: z.int().optional().catch(undefined),
    fragments: z.array(fragment).catch([]),
  }),
});

/** Attributes whose change is an UPDATE. What malware scans and the like write into an image is none. */
const watched = [
  "backupStatus",
  "expiration",
  "imageType",
  "kbytes",
  "numCopies",
  "numFiles",
  "policyName",
  "primaryCopy",
  "retentionLevel",
  "slpCompleted",
] as const;

/** Infinity, as NetBackup writes it, is in the year 3000 or later; 2038 is what old versions write. */
const neverAfterMs = Date.parse("2999-01-01T00:00:00Z");

/**
 * Reads an image of `/catalog/images`.
 * @throws ZodError when it is none
 */
export function readImage(resource: unknown): KnownImage {
  const { id: backupId, attributes } = imageResource.parse(resource);
  const { clientName, policyType, elapsedTimeSeconds, expiration, fragments } = attributes;
  const backupTimeMs = isoMs(attributes.backupTime) ?? backupIdMs(backupId);
  const copyDates = fragments.flatMap(({ copyDate = 0 }) => (copyDate > 0 ? [copyDate] : []));
  const createdMs =
    copyDates.length > 0 ? Math.min(...copyDates) : backupTimeMs + Math.max(0, elapsedTimeSeconds) * 1000;
  const isExpiring = expiration !== undefined && expiration > 0 && expiration < neverAfterMs;
  return {
    backupId,
    clientName,
    clientType: wirePolicyType(policyType),
    backupTime: Math.floor(backupTimeMs / 1000),
    createdTime: Math.floor(createdMs / 1000),
    expiresAt: isExpiring ? Math.floor(expiration / 1000) : undefined,
    copies: attributes.numCopies ?? new Set(fragments.map(({ copyNumber }) => copyNumber)).size,
    fingerprint: fingerprintOf(attributes),
  };
}

/** A backup id ends with the time of the backup: `<client>_<epoch seconds>`. */
function backupIdMs(backupId: string): number {
  const [, seconds = "0"] = /_(\d{1,12})$/.exec(backupId) ?? [];
  return Number(seconds) * 1000;
}

function fingerprintOf(attributes: z.infer<typeof imageResource>["attributes"]): string {
  const copies = attributes.fragments.map(({ copyNumber, expiration, mediaId }) =>
    JSON.stringify([copyNumber, expiration ?? null, mediaId ?? null]),
  );
  const values = watched.map((name) => attributes[name] ?? null);
  return createHash("sha256")
    .update(JSON.stringify([values, copies.sort()]))
    .digest("base64url")
    .slice(0, 22);
}

/**
 * Compares what is remembered of images with a page of them: one that is not known was made (CREATE), one that differs was changed
 * (UPDATE), one whose last copy that can be restored here is gone has NO_LOCAL_COPY_AVAILABLE (NBWSS, NOTIFICATION).
 * @param silentBefore images made before this are only remembered, epoch seconds: what was there when watching began is no news
 */
export function compareImages(
  known: ReadonlyMap<string, KnownImage>,
  page: readonly KnownImage[],
  silentBefore: number,
): ImageChanges {
  const now = new Map(known);
  const notifications: OutgoingNotification[] = [];
  const changed = new Map<string, KnownImage>();
  for (const image of page) {
    const operation = operationOf(now.get(image.backupId), image, silentBefore);
    if (operation !== undefined) notifications.push(imageNotification(image, operation));
    now.set(image.backupId, image);
    changed.set(image.backupId, image);
  }
  return { notifications, rows: [...changed.values()] };
}

function operationOf(
  before: KnownImage | undefined,
  image: KnownImage,
  silentBefore: number,
): ImageItem["operationId"] | undefined {
  if (before === undefined) return image.createdTime < silentBefore ? undefined : "CREATE";
  if (before.copies > 0 && image.copies === 0) return "NO_LOCAL_COPY_AVAILABLE";
  return before.fingerprint === image.fingerprint ? undefined : "UPDATE";
}

/** The notification of an image. */
export function imageNotification(
  image: KnownImage,
  operationId: (typeof imageOperations)[number],
): OutgoingNotification {
  const { backupId, clientName, clientType, backupTime, createdTime } = image;
  const item: ImageItem = { backupId, clientName, clientType, backupTime, createdTime, operationId };
  return { notificationType: "INFO", object: "IMAGE", data: [item] };
}
