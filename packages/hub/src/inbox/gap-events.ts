import { z } from "zod";

/** Why notifications are missing; the first two are what primaries say, the others what the hub finds. */
export const gapReasons = [
  /** The primary's outbox was full before the hub could store them. */
  "outbox_full",
  /** The hub had them once, such as before it was restored from a backup. */
  "endpoint_went_back",
  /** The primary has begun to number anew: what it had not delivered before is not known. */
  "journal_replaced",
  /** Positions were left out, and nothing was said of it. */
  "not_announced",
] as const;

/** The data of each event about missing notifications, by type. */
export const gapEvents = {
  "sallyport.notifications.gap": z.object({
    /** The primary. */
    id: z.string(),
    groupId: z.string(),
    journal: z.string(),
    /** The first and the last position that are missing; null when that is not known. */
    from: z.int().nullable(),
    to: z.int().nullable(),
    /** How many notifications that is; null when it is not known. */
    count: z.int().nullable(),
    /** When the oldest and the newest of them were made, ISO 8601; null when it is not known. */
    since: z.string().nullable(),
    until: z.string().nullable(),
    /** One of `gapReasons`, or what a primary of a later version says. */
    reason: z.string(),
  }),
} as const;
