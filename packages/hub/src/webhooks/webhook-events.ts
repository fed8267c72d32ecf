import { z } from "zod";

const settings = {
  url: z.string(),
  description: z.string(),
  types: z.array(z.string()),
  primaries: z.array(z.string()),
  labels: z.record(z.string(), z.string()),
};

/** Why the hub disables a webhook by itself: the receiver said so (410), or days of failures and nothing else. */
export const disabledReasons = ["gone", "failing"] as const;

/** The data of each event about webhooks, by type; never with a secret. */
export const webhookEvents = {
  "sallyport.webhook.created": z.object({ id: z.string(), ...settings }),
  /** All settings as they are from now on. */
  "sallyport.webhook.changed": z.object({ id: z.string(), ...settings }),
  "sallyport.webhook.enabled": z.object({ id: z.string() }),
  /** Without a reason somebody did it. */
  "sallyport.webhook.disabled": z.object({ id: z.string(), reason: z.enum(disabledReasons).nullable() }),
  "sallyport.webhook.secret-rotated": z.object({ id: z.string(), overlapEndsAt: z.string() }),
  "sallyport.webhook.deleted": z.object({ id: z.string() }),
  /** The log let events go (retention) before they could be delivered: between these positions, both included. The receiver is told too. */
  "sallyport.webhook.missed": z.object({ id: z.string(), from: z.int(), to: z.int() }),
} as const;
