import { z } from "zod";

/** The data of each event of the hub's own, by type. Notifications are kept as they came and are not here. */
export const knownEvents = {
  "sallyport.primary.enrolled": z.object({
    id: z.string(),
    name: z.string(),
    labels: z.record(z.string(), z.string()),
    groupId: z.string(),
    priority: z.int(),
    /** SHA-256 of the token, hex. */
    tokenHash: z.string(),
  }),
  "sallyport.primary.deleted": z.object({ id: z.string(), name: z.string() }),
  "sallyport.primary.details.fetched": z.object({ id: z.string(), remoteAddress: z.string() }),
  "sallyport.connection.connected": z.object({
    id: z.string(),
    groupId: z.string(),
    epoch: z.int(),
    remoteAddress: z.string(),
  }),
  "sallyport.connection.disconnected": z.object({
    id: z.string(),
    groupId: z.string(),
    epoch: z.int(),
    remoteAddress: z.string(),
    lastSeenAt: z.string(),
    closeCode: z.int(),
    closeReason: z.string(),
  }),
  "sallyport.api-key.created": z.object({
    id: z.string(),
    name: z.string(),
    role: z.literal("administrator"),
    /** SHA-256 of the key, hex. */
    keyHash: z.string(),
  }),
  "sallyport.api-key.revoked": z.object({ id: z.string() }),
} as const;

/** The type of an event of the hub's own. */
export type KnownType = keyof typeof knownEvents;
/** What an event of that type carries. */
export type KnownData<T extends KnownType> = z.infer<(typeof knownEvents)[T]>;

/** An event of the hub's own, checked. */
export type KnownEvent = { [T in KnownType]: { type: T; data: KnownData<T> } }[KnownType];

/** Checks an event that was read from the log; undefined when it is none of the hub's own. */
export function toKnownEvent(type: string, data: unknown): KnownEvent | undefined {
  if (!Object.hasOwn(knownEvents, type)) return undefined;
  const known = type as KnownType;
  return { type: known, data: knownEvents[known].parse(data) } as KnownEvent;
}
