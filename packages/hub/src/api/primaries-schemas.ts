import { z } from "@hono/zod-openapi";
import { labelQuery, listOf, pageQuery, repeated } from "./paging.ts";
import { endpointDetailsSchema, newPrimarySchema } from "./schemas.ts";

/** Query of GET /primaries. */
export const primariesQuerySchema = z.strictObject({
  ...pageQuery,
  /** A part of the name. */
  q: z.string().min(1).max(128).optional(),
  label: repeated(labelQuery),
  state: z.enum(["connected", "stale", "disconnected", "never"]).optional(),
  sort: z.enum(["name", "-name", "createdAt", "-createdAt", "lastSeenAt", "-lastSeenAt"]).default("name"),
});

/** Member names of a primary's COMMAND RESPONSE, and the payload of our acknowledgements (protocol.md, COMMAND). */
export const dialectSchema = z
  .strictObject({
    statusMember: z.string().min(1).max(64),
    bodyMember: z.string().min(1).max(64),
    acknowledgement: z.enum(["array", "object", "absent"]),
  })
  .partial()
  .openapi("Dialect");

/** Body of PATCH /primaries/{id}. */
export const primaryPatchSchema = z
  .strictObject({
    name: newPrimarySchema.shape.name,
    labels: newPrimarySchema.shape.labels.unwrap(),
    dialect: dialectSchema.nullable(),
  })
  .partial()
  .openapi("PrimaryPatch");

/** Body of POST /primaries/{id}/token: how long the old token works beside the new one; 0 ends it at once. */
export const rotateTokenSchema = z
  .strictObject({
    groupId: z
      .string()
      .regex(/^[\w.-]{1,64}$/)
      .optional(),
    overlapMs: z
      .int()
      .min(0)
      .max(30 * 86_400_000)
      .default(86_400_000),
  })
  .openapi("RotateToken");
/** Answer of POST /primaries/{id}/token and POST /primaries/{id}/details. */
export const newDetailsAnswerSchema = z
  .object({ id: z.string(), endpoint: endpointDetailsSchema, detailsUrl: z.string() })
  .openapi("NewEndpointDetails");
/** Body of POST /primaries/{id}/details: a further endpoint, with a token of its own. */
export const newDetailsSchema = z
  .strictObject({
    groupId: newPrimarySchema.shape.groupId,
    priority: newPrimarySchema.shape.priority,
    /** Another public address of this hub, `https://HOST[:PORT]`; one of those configured. */
    url: z.url({ protocol: /^https$/ }).optional(),
  })
  .openapi("NewDetails");
/** A token of a primary, without the token. */
export const tokenSchema = z
  .object({
    id: z.string(),
    groupId: z.string(),
    priority: z.int(),
    createdAt: z.string(),
    expiresAt: z.string().nullable(),
    lastUsedAt: z.string().nullable(),
    lastUsedFrom: z.string().nullable(),
  })
  .openapi("PrimaryToken");
export const tokenListSchema = listOf(tokenSchema).openapi("PrimaryTokenList");

/** Why a connection ended, or was refused. */
export const causeClasses = [
  "network",
  "proxy_idle",
  "tls",
  "token",
  "overload",
  "deploy",
  "superseded",
  "protocol",
  "primary",
  "unknown",
] as const;
/** Something that happened to a primary's connection. */
export const timelineEntrySchema = z
  .object({
    position: z.int(),
    time: z.string(),
    event: z.enum(["connected", "disconnected", "refused", "token_shared"]),
    groupId: z.string().nullable(),
    remoteAddress: z.string().nullable(),
    /** The same on both ends: in the hub's log and in the primary's. */
    trackingId: z.string().nullable(),
    closeCode: z.int().nullable(),
    closeReason: z.string().nullable(),
    cause: z.enum(causeClasses).nullable(),
    /** How long the connection lasted, ms. */
    durationMs: z.int().nullable(),
    /** What to do about it. */
    advice: z.string().nullable(),
  })
  .openapi("TimelineEntry");
export const timelineSchema = listOf(timelineEntrySchema).openapi("Timeline");

export type PrimaryToken = z.infer<typeof tokenSchema>;
export type TimelineEntry = z.infer<typeof timelineEntrySchema>;
export type Dialect = z.infer<typeof dialectSchema>;
