import type { z } from "zod";
import { accessEvents } from "../access/access-events.ts";
import { alertEvents } from "../alerts/alert-events.ts";
import { auditEvents } from "../audit/audit-events.ts";
import { backupEvents } from "../backup/backup-events.ts";
import { commandEvents } from "../commands/command-events.ts";
import { connectionEvents } from "../connections/connection-events.ts";
import { credentialEvents } from "../credentials/credential-events.ts";
import { enrolmentEvents } from "../enrolment/enrolment-events.ts";
import { rolloutEvents } from "../rollouts/rollout-events.ts";
import { webhookEvents } from "../webhooks/webhook-events.ts";
import { gapEvents } from "../inbox/gap-events.ts";
import { logEvents } from "./log-events.ts";

/**
 * The data of each event of the hub's own, by type; each part has its own table beside it. Notifications are kept as they came
 * and are not here.
 */
export const knownEvents = {
  ...accessEvents,
  ...alertEvents,
  ...auditEvents,
  ...backupEvents,
  ...commandEvents,
  ...connectionEvents,
  ...credentialEvents,
  ...enrolmentEvents,
  ...gapEvents,
  ...logEvents,
  ...rolloutEvents,
  ...webhookEvents,
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
