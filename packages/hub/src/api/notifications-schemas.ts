import { z } from "@hono/zod-openapi";
import type { HubLimits } from "../config/limits.ts";
import { labelQuery, momentQuery, repeated, wholeNumber } from "./paging.ts";

const type = z.string().regex(/^[a-z0-9_.-]{1,128}$/, "has to be the beginning of a type");

/** Which events are wanted, by list and by stream. */
const wish = {
  primary: z.string().min(1).max(64).optional().openapi({ description: "Of one primary" }),
  type: repeated(type).openapi({
    description: "Beginning of the type, such as netbackup.job; may be given several times; all without it",
  }),
  label: repeated(labelQuery).openapi({
    description: "NAME:VALUE, of primaries that have all of these labels now",
  }),
  since: momentQuery.optional().openapi({ description: "Stored at or after this moment" }),
  until: momentQuery.optional().openapi({ description: "Stored before this moment" }),
};

/** Query of GET /notifications. */
export function notificationsQuery(limits: Pick<HubLimits, "maxPageEvents" | "defaultPageEvents">) {
  const { maxPageEvents, defaultPageEvents } = limits;
  return z.strictObject({
    after: wholeNumber
      .default(0)
      .openapi({ type: "integer", description: "What the page before gave as next" }),
    limit: wholeNumber
      .pipe(z.number().min(1).max(maxPageEvents))
      .default(defaultPageEvents)
      .openapi({ type: "integer", minimum: 1, maximum: maxPageEvents }),
    ...wish,
  });
}

/** Query of GET /notifications/stream. */
export const streamQuerySchema = z.strictObject({
  after: wholeNumber.optional().openapi({
    type: "integer",
    description: "Begin after this position; without it with what comes from now on",
  }),
  ...wish,
});

/** Header of GET /notifications/stream. */
export const streamHeadersSchema = z.object({
  "last-event-id": wholeNumber
    .optional()
    .openapi({ description: "The last id that came; it goes before `after`" }),
});

/** An event outside the wire (CloudEvents 1.0). */
export const cloudEventSchema = z
  .object({
    specversion: z.literal("1.0"),
    id: z.string(),
    type: z.string(),
    source: z.string(),
    subject: z.string(),
    time: z.string(),
    datacontenttype: z.literal("application/json"),
    data: z.unknown(),
    position: z.int(),
  })
  .openapi("CloudEvent");

/** One page of the feed. */
export const notificationPageSchema = z
  .object({
    data: z.array(cloudEventSchema),
    next: z.int().openapi({ description: "What `after` has to be for the next page" }),
    more: z.boolean().openapi({ description: "Whether there may be more already, also after a short page" }),
    last: z.int().openapi({ description: "The newest position of the log" }),
    missed: z
      .object({ from: z.int(), to: z.int() })
      .nullable()
      .openapi({ description: "Positions that were deleted before they were read, both ends included" }),
  })
  .openapi("NotificationPage");
