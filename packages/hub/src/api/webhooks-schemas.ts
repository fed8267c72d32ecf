import { z } from "@hono/zod-openapi";
import { listOf, pageQuery, wholeNumber } from "./paging.ts";

const url = z.url({ protocol: /^https?$/ }).max(2_048);
const description = z.string().max(256);
const types = z.array(z.string().regex(/^[a-z0-9_.-]{1,128}$/, "has to be the beginning of a type")).max(50);
const primaries = z.array(z.string().max(64)).max(1_000);
const labels = z.record(z.string(), z.string());

/** Body of POST /webhooks. */
export const newWebhookSchema = z
  .strictObject({
    url,
    description: description.default(""),
    /** Beginnings of types; none for all that the feed has. */
    types: types.default([]),
    /** Only of these primaries; none for all. */
    primaries: primaries.default([]),
    /** Only of primaries with all of these labels. */
    labels: labels.default({}),
  })
  .openapi("NewWebhook");
/** Body of PATCH /webhooks/{id}. Enabling goes on where it stopped. */
export const webhookPatchSchema = z
  .strictObject({ url, description, types, primaries, labels, enabled: z.boolean() })
  .partial()
  .openapi("WebhookPatch");
/** A webhook, without its secrets. */
export const webhookSchema = z
  .object({
    id: z.string(),
    url: z.string(),
    description: z.string(),
    types: z.array(z.string()),
    primaries: z.array(z.string()),
    labels: z.record(z.string(), z.string()),
    enabled: z.boolean(),
    /** Why the hub disabled it by itself: `gone` (410), `failing`; null otherwise. */
    disabledReason: z.string().nullable(),
    createdAt: z.string(),
    /** The position up to which everything was delivered or given up. */
    cursor: z.int(),
    /** Events that wait, the parked ones of a disabled webhook included; at least, since counting stops at 10,000. */
    backlog: z.int(),
    lastSuccessAt: z.string().nullable(),
    lastFailureAt: z.string().nullable(),
  })
  .openapi("Webhook");
export const webhookListSchema = listOf(webhookSchema).openapi("WebhookList");
/** Answer of POST /webhooks and POST /webhooks/{id}/secret: the only time that the secret can be read. */
export const createdWebhookSchema = webhookSchema.extend({ secret: z.string() }).openapi("CreatedWebhook");
/** Body of POST /webhooks/{id}/secret: how long the old secret signs too. */
export const rotateSecretSchema = z
  .strictObject({
    overlapMs: z
      .int()
      .min(0)
      .max(30 * 86_400_000)
      .default(86_400_000),
  })
  .openapi("RotateWebhookSecret");

/** Query of GET /webhooks/{id}/deliveries; newest first. */
export const deliveriesQuerySchema = z.strictObject({
  ...pageQuery,
  state: z.enum(["pending", "delivered", "failed"]).optional(),
});
/** One event on its way to one webhook, with its last attempt. */
export const deliverySchema = z
  .object({
    id: z.string(),
    position: z.int(),
    type: z.string(),
    subject: z.string(),
    state: z.enum(["pending", "delivered", "failed"]),
    attempts: z.int(),
    lastAttemptAt: z.string().nullable(),
    nextAttemptAt: z.string().nullable(),
    responseCode: z.int().nullable(),
    /** The beginning of the answer's body. */
    responseBody: z.string().nullable(),
    error: z.string().nullable(),
  })
  .openapi("Delivery");
export const deliveryListSchema = listOf(deliverySchema).openapi("DeliveryList");
/** Body of POST /webhooks/{id}/replay: both ends included. */
export const replaySchema = z.strictObject({ from: z.int().min(1), to: z.int().min(1) }).openapi("Replay");
/** Answer of POST /webhooks/{id}/replay. */
export const replayedSchema = z.object({ queued: z.int() }).openapi("Replayed");
/** Answer of POST /webhooks/{id}/test. */
export const testedWebhookSchema = z
  .object({
    delivered: z.boolean(),
    responseCode: z.int().nullable(),
    responseBody: z.string().nullable(),
    error: z.string().nullable(),
    ms: z.number(),
  })
  .openapi("TestedWebhook");
/** A position in the path or query. */
export const positionParameter = wholeNumber;

export type Webhook = z.infer<typeof webhookSchema>;
export type CreatedWebhook = z.infer<typeof createdWebhookSchema>;
export type Delivery = z.infer<typeof deliverySchema>;
export type TestedWebhook = z.infer<typeof testedWebhookSchema>;
