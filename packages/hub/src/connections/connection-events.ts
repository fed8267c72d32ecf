import { z } from "zod";

/** Which connection it is; those from before tracking ids have none. */
const connection = {
  id: z.string(),
  groupId: z.string(),
  /** Grows with each connection; what an older one says late changes nothing. */
  epoch: z.int(),
  remoteAddress: z.string(),
  trackingId: z.string().nullable().default(null),
  tokenId: z.string().nullable().default(null),
};

/** Why a token that is known was refused all the same. */
export const refusalReasons = ["token_revoked", "token_expired", "token_in_use"] as const;
/** Why it is believed that two use one token. */
export const sharingSigns = ["both_alive", "address_flips", "takeovers"] as const;

/** The data of each event about a primary's connection, by type. */
export const connectionEvents = {
  "sallyport.connection.connected": z.object(connection),
  "sallyport.connection.disconnected": z.object({
    ...connection,
    connectedAt: z.string().nullable().default(null),
    lastSeenAt: z.string(),
    closeCode: z.int(),
    closeReason: z.string(),
  }),
  /** Not below `sallyport.connection.`: of those, the newest few are kept for good to know how connections stand. */
  "sallyport.refusal": z.object({
    id: z.string(),
    groupId: z.string(),
    tokenId: z.string(),
    remoteAddress: z.string(),
    trackingId: z.string(),
    why: z.enum(refusalReasons),
    /** How many there were since the last such event. */
    count: z.int(),
  }),
  "sallyport.primary.token.shared": z.object({
    id: z.string(),
    groupId: z.string(),
    tokenId: z.string(),
    addresses: z.array(z.string()),
    sign: z.enum(sharingSigns),
    trackingId: z.string(),
  }),
} as const;
