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
export const primary = z.looseObject({
  id: z.string(),
  name: z.string(),
  connection,
  /** Notifications that are missing for good; hubs from before there were gaps say nothing. */
  lastGap: z.looseObject({ time: z.string(), message: z.string(), advice: z.string() }).nullish(),
});
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

const text = z.string().nullish();
const scope = z.looseObject({ kind: z.string() });

/** An API key, without the key. */
export const apiKey = z.looseObject({
  id: z.string(),
  name: z.string(),
  role: z.string(),
  scope,
  createdAt: text,
  expiresAt: text,
  lastUsedAt: text,
  lastUsedFrom: text,
});
/** An API key that was just made: the only time that it can be read. */
export const createdApiKey = apiKey.extend({ key: z.string() });

/** A user of the console. */
export const user = z.looseObject({
  id: z.string(),
  login: z.string(),
  name: z.string(),
  role: z.string(),
  scope,
  disabled: z.boolean(),
  lastSignInAt: text,
});

/** An entry of the audit. */
export const auditEntry = z.looseObject({
  position: z.number(),
  time: z.string(),
  actor: z.looseObject({ name: z.string() }).nullable(),
  from: z.string(),
  action: z.string(),
  target: z.string(),
  result: z.string(),
  status: z.number().nullable(),
});

/** A token of a primary, without the token. */
export const token = z.looseObject({
  id: z.string(),
  groupId: z.string(),
  priority: z.number(),
  createdAt: z.string(),
  expiresAt: text,
  lastUsedAt: text,
  lastUsedFrom: text,
});
/** New endpoint details, token included, this once. */
export const newDetails = z.looseObject({ id: z.string(), endpoint, detailsUrl: z.string() });

/** Something that happened to a primary's connection. */
export const timelineEntry = z.looseObject({
  time: z.string(),
  event: z.string(),
  groupId: text,
  remoteAddress: text,
  trackingId: text,
  closeCode: z.number().nullish(),
  closeReason: text,
  cause: text,
  durationMs: z.number().nullish(),
  advice: text,
});

/** The stored NetBackup credential of a primary, never the secret. */
export const credential = z.looseObject({
  kind: z.string(),
  userName: text,
  domainName: text,
  setAt: z.string(),
  setBy: z.string(),
  lastLoginOk: z.boolean().nullish(),
  lastLoginAt: text,
});

/** A command that the hub keeps (`Prefer: respond-async`). */
export const storedCommand = z.looseObject({
  id: z.string(),
  primaryId: z.string(),
  method: z.string(),
  path: z.string(),
  state: z.string(),
  createdAt: z.string(),
  createdBy: z.string(),
  expiresAt: z.string(),
  finishedAt: text,
  error: text,
  retrySafe: z.boolean(),
  answer: z.looseObject({ status: z.number(), body: z.string() }).nullish(),
});

/** A job of any primary. */
export const job = z.looseObject({
  primaryName: z.string(),
  jobId: z.number(),
  parentJobId: z.number().nullish(),
  jobType: text,
  state: z.string(),
  status: z.number().nullish(),
  policyName: text,
  clientName: text,
  startTime: text,
  updatedAt: z.string(),
});

const counts = {
  queued: z.number(),
  active: z.number(),
  ok: z.number(),
  partial: z.number(),
  failed: z.number(),
};
/** How many jobs stand how. */
export const jobSummary = z.looseObject({
  since: z.string(),
  total: z.object(counts),
  primaries: z.array(z.looseObject({ primaryName: z.string(), ...counts })),
});

/** A backup image of any primary. */
export const image = z.looseObject({
  primaryName: z.string(),
  backupId: z.string(),
  clientName: text,
  backupTime: text,
  lastOperation: z.string(),
  deleted: z.boolean(),
  hasLocalCopy: z.boolean(),
});

/** The last good backup of a client by a policy. */
export const lastGood = z.looseObject({
  primaryName: z.string(),
  clientName: z.string(),
  policyName: z.string(),
  lastGoodAt: text,
  isPartial: z.boolean(),
  lastStatus: z.number().nullish(),
});

/** A primary without a good backup. */
export const withoutBackup = z.looseObject({ primaryName: z.string(), lastGoodAt: text });

/** An alert. */
export const alert = z.looseObject({
  id: z.string(),
  ruleName: z.string(),
  kind: z.string(),
  primaryName: text,
  message: z.string(),
  advice: z.string(),
  raisedAt: z.string(),
  resolvedAt: text,
  acknowledgedBy: text,
  mutedUntil: text,
});

/** What the hub watches for. */
export const alertRule = z.looseObject({
  id: z.string(),
  name: z.string(),
  condition: z.looseObject({ kind: z.string() }),
  enabled: z.boolean(),
});

/** One call to many primaries. */
export const rollout = z.looseObject({
  id: z.string(),
  name: z.string(),
  state: z.string(),
  reason: text,
  method: z.string(),
  path: z.string(),
  targets: z.number(),
  counts: z.record(z.string(), z.number()).optional(),
  createdAt: z.string(),
});
/** What a rollout would reach. */
export const rolloutPreview = z.looseObject({
  targets: z.number(),
  primaries: z.array(z.looseObject({ id: z.string(), name: z.string(), connected: z.boolean() })),
});
/** One primary of a rollout. */
export const rolloutTarget = z.looseObject({
  primaryId: z.string(),
  primaryName: text,
  state: z.string(),
  error: text,
  status: z.number().nullish(),
  commandId: text,
  endedAt: text,
});

/** A webhook, without its secret. */
export const webhook = z.looseObject({
  id: z.string(),
  url: z.string(),
  description: z.string(),
  types: z.array(z.string()),
  primaries: z.array(z.string()),
  labels: z.record(z.string(), z.string()),
  enabled: z.boolean(),
  disabledReason: text,
  createdAt: z.string(),
  cursor: z.number(),
  backlog: z.number(),
  lastSuccessAt: text,
  lastFailureAt: text,
});
/** A webhook with its secret, this once. */
export const createdWebhook = webhook.extend({ secret: z.string() });
/** One event on its way to a webhook. */
export const delivery = z.looseObject({
  id: z.string(),
  position: z.number(),
  type: z.string(),
  subject: z.string(),
  state: z.string(),
  attempts: z.number(),
  lastAttemptAt: text,
  nextAttemptAt: text,
  responseCode: z.number().nullish(),
  responseBody: text,
  error: text,
});
/** What a test of a webhook brought. */
export const testedWebhook = z.looseObject({
  delivered: z.boolean(),
  responseCode: z.number().nullish(),
  responseBody: text,
  error: text,
  ms: z.number(),
});
