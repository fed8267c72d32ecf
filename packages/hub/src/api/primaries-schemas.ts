import { z } from "@hono/zod-openapi";
import { labelQuery, listOf, pageQuery, repeated } from "./paging.ts";
import { sharingSigns } from "../connections/connection-events.ts";

const labels = z.record(z.string().regex(/^[\w.-]{1,64}$/), z.string().max(256));
const name = z
  .string()
  .min(1)
  .max(128)
  // One line, without blanks at the ends: it is shown, logged and typed.
  .regex(/^[^\s\p{C}](?:[^\p{C}\p{Zl}\p{Zp}]*[^\s\p{C}])?$/u, "one line, without blanks at its ends");
const groupId = z.string().regex(/^[\w.-]{1,64}$/);
/** One of the public addresses of this hub, `https://HOST[:PORT]`. */
const publicAddress = z.url({ protocol: /^https$/ }).max(300);

/** Body of POST /primaries. */
export const newPrimarySchema = z
  .strictObject({
    name,
    labels: labels.default({}),
    groupId: groupId.default("sallyport"),
    priority: z.int().min(0).max(1_000_000).default(1),
  })
  .openapi("NewPrimary");

/** What an administrator adds on the primary. */
export const endpointDetailsSchema = z
  .object({
    token: z.string(),
    priority: z.int(),
    groupId: z.string(),
    hostName: z.string(),
    url: z.string(),
  })
  .openapi("EndpointDetails");

/** Answer of POST /primaries. */
export const enrolledPrimarySchema = z
  .object({ id: z.string(), name: z.string(), endpoint: endpointDetailsSchema, detailsUrl: z.string() })
  .openapi("EnrolledPrimary");

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

/** What somebody should look at, until it is acknowledged or mended. */
export const warningSchema = z
  .object({
    kind: z.enum(["token_shared"]),
    /** When it was last noticed. */
    time: z.string(),
    groupId: z.string(),
    tokenId: z.string(),
    addresses: z.array(z.string()),
    sign: z.enum(sharingSigns),
    advice: z.string(),
  })
  .openapi("PrimaryWarning");

/** Notifications of a primary that are missing for good. */
export const notificationGapSchema = z
  .object({
    /** When it was stored. */
    time: z.string(),
    groupId: z.string(),
    /** How many notifications; null when that is not known, and so are the times of the oldest and the newest. */
    count: z.int().nullable(),
    since: z.string().nullable(),
    until: z.string().nullable(),
    /** `outbox_full`, `endpoint_went_back`, `journal_replaced`, `not_announced`, or what a primary of a later version says. */
    reason: z.string(),
    /** The same in a sentence. */
    message: z.string(),
    advice: z.string(),
  })
  .openapi("NotificationGap");

/** A primary with its connection. */
export const primarySummarySchema = z
  .object({
    id: z.string(),
    name: z.string(),
    labels: z.record(z.string(), z.string()),
    /** Of the endpoint that it was enrolled with. */
    groupId: z.string(),
    priority: z.int(),
    createdAt: z.string(),
    connection: z.object({
      /** `stale`: there is a connection, but the primary has not answered on it in time; no command goes there. */
      state: z.enum(["connected", "stale", "disconnected", "never"]),
      since: z.string().nullable(),
      lastSeenAt: z.string().nullable(),
      remoteAddress: z.string().nullable(),
      groupId: z.string().nullable(),
      trackingId: z.string().nullable(),
      closeCode: z.int().nullable(),
      closeReason: z.string().nullable(),
      /** What a primary that speaks `sallyport.v1` last said of itself. */
      health: z
        .object({
          version: z.string(),
          outboxDepth: z.int(),
          outboxAgeMs: z.int(),
          loopLagMs: z.int(),
          executing: z.int(),
          at: z.string(),
        })
        .nullable(),
    }),
    /** All that it was given. */
    endpoints: z.array(
      z.object({
        groupId: z.string(),
        priority: z.int(),
        url: z.string(),
        state: z.enum(["connected", "stale", "disconnected"]),
      }),
    ),
    dialect: dialectSchema,
    /** The newest gap in what it has told; null when none is known. */
    lastGap: notificationGapSchema.nullable(),
    warnings: z.array(warningSchema),
  })
  .openapi("PrimarySummary");

/** Answer of GET /primaries. */
export const primaryListSchema = listOf(primarySummarySchema).openapi("PrimaryList");

/** Query of GET /primaries/summary. */
export const primariesSummaryQuerySchema = primariesQuerySchema.pick({ q: true, label: true });
/** Answer of GET /primaries/summary: how many there are, and how many in each state. */
export const primariesSummarySchema = z
  .object({
    total: z.int(),
    connected: z.int(),
    stale: z.int(),
    disconnected: z.int(),
    never: z.int(),
  })
  .openapi("PrimariesSummary");

/** Body of PATCH /primaries/{id}. */
export const primaryPatchSchema = z
  .strictObject({ name, labels, dialect: dialectSchema.nullable() })
  .partial()
  .openapi("PrimaryPatch");

/** Body of POST /primaries/{id}/token: how long the old token works beside the new one; 0 ends it at once. */
export const rotateTokenSchema = z
  .strictObject({
    /** Which endpoint; needed when there are several. */
    groupId: groupId.optional(),
    url: publicAddress.optional(),
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
    url: publicAddress.optional(),
  })
  .openapi("NewDetails");
/** A token of a primary, without the token. */
export const tokenSchema = z
  .object({
    id: z.string(),
    groupId: z.string(),
    priority: z.int(),
    /** Of its endpoint. */
    url: z.string(),
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
    event: z.enum(["connected", "disconnected", "refused", "token_shared", "gap"]),
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
/** How the fleet's connections stand. */
export type PrimariesSummary = z.infer<typeof primariesSummarySchema>;
/** A primary with its connection, as `GET /api/v1/primaries` answers it. */
export type PrimarySummary = z.infer<typeof primarySummarySchema>;
