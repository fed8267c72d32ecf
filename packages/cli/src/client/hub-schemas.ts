import { z } from "zod";

/** A page of any list of the hub's API. */
export function pageOf<T extends z.ZodType>(item: T) {
  return z.object({ data: z.array(item), next: z.string().nullish() });
}

/** How a primary's connection stands. */
export const connection = z.looseObject({
  state: z.string(),
  since: z.string().nullish(),
  lastSeenAt: z.string().nullish(),
  remoteAddress: z.string().nullish(),
  closeCode: z.number().nullish(),
  closeReason: z.string().nullish(),
});
/** A primary as the hub lists it. */
export const primary = z.looseObject({ id: z.string(), name: z.string(), connection });
/** Endpoint details (NBWSS, roles). */
export const endpoint = z.object({
  token: z.string(),
  priority: z.number(),
  groupId: z.string(),
  hostName: z.string(),
  url: z.string(),
});
/** A primary that was just enrolled. */
export const created = z.object({ id: z.string(), name: z.string(), endpoint, detailsUrl: z.string() });
/** An event of the feed. */
export const cloudEvent = z.looseObject({
  id: z.string(),
  source: z.string(),
  type: z.string(),
  subject: z.string(),
  time: z.string(),
  position: z.number(),
  data: z.record(z.string(), z.unknown()),
});
/** A page of the feed. */
export const feedPage = z.object({
  data: z.array(cloudEvent),
  next: z.number(),
  missed: z.object({ from: z.number(), to: z.number() }).nullish(),
});

/** A primary as the hub lists it. */
export type ListedPrimary = z.infer<typeof primary>;
/** A primary that was just enrolled. */
export type CreatedPrimary = z.infer<typeof created>;
/** A notification as the feed gives it. */
export type FeedEvent = z.infer<typeof cloudEvent>;
