// The types of the HTTP API alone: what the console is compiled against.
export type {
  ApiKey,
  AuditItem,
  CreatedApiKey,
  SessionInfo,
  SessionMethods,
  User,
} from "./access-schemas.ts";
export type { Alert, AlertCondition, AlertRule } from "./alerts-schemas.ts";
export type { Credential, StoredCommand } from "./commands-schemas.ts";
export type { Image, Job, JobSummary, LastGoodBackup, PrimaryWithoutBackup } from "./fleet-schemas.ts";
export type {
  Dialect,
  PrimariesSummary,
  PrimarySummary,
  PrimaryToken,
  TimelineEntry,
} from "./primaries-schemas.ts";
export type { Rollout, RolloutPreview, RolloutTarget } from "./rollouts-schemas.ts";
export type { CreatedWebhook, Delivery, TestedWebhook, Webhook } from "./webhooks-schemas.ts";
