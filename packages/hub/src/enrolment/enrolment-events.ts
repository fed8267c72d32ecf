import { z } from "zod";
import { dialectEventSchema } from "./dialect.ts";

/** The public address that an endpoint was given out with; null for the hub's main one, wherever that is. */
const address = z.string().nullable().default(null);
const labels = z.record(z.string(), z.string());

/** The data of each event about a primary's enrolment, by type. Tokens are named by their hash (SHA-256, hex) or its beginning. */
export const enrolmentEvents = {
  "sallyport.primary.enrolled": z.object({
    id: z.string(),
    name: z.string(),
    labels,
    groupId: z.string(),
    priority: z.int(),
    address,
    tokenHash: z.string(),
  }),
  "sallyport.primary.changed": z.object({
    id: z.string(),
    name: z.string().optional(),
    labels: labels.optional(),
    dialect: dialectEventSchema.nullable().optional(),
  }),
  "sallyport.primary.deleted": z.object({ id: z.string(), name: z.string() }),
  "sallyport.primary.details.fetched": z.object({ id: z.string(), remoteAddress: z.string() }),
  /** One more endpoint, or one more token for an endpoint that is there already. */
  "sallyport.primary.endpoint.added": z.object({
    id: z.string(),
    groupId: z.string(),
    priority: z.int(),
    address,
    tokenHash: z.string(),
  }),
  /** An endpoint's tokens have a successor; they end when the overlap does. */
  "sallyport.primary.token.rotated": z.object({
    id: z.string(),
    groupId: z.string(),
    address,
    tokenHash: z.string(),
    replaced: z.array(z.string()),
    expiresAt: z.string(),
  }),
  "sallyport.primary.token.ended": z.object({
    id: z.string(),
    tokenId: z.string(),
    groupId: z.string(),
    why: z.enum(["revoked", "expired"]),
  }),
  "sallyport.primary.warning.acknowledged": z.object({ id: z.string(), kind: z.string() }),
} as const;
