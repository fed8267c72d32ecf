import type { StoredEvent } from "../log/log.ts";

/** An event outside the wire: CloudEvents 1.0 in JSON. */
export interface CloudEvent {
  specversion: "1.0";
  id: string;
  type: string;
  source: string;
  subject: string;
  time: string;
  datacontenttype: "application/json";
  /** The item of the notification, as it came; of the hub's own events what is public of them. */
  data: unknown;
  /** Its place in the log; an extension. */
  position: number;
}

/** Notifications of the primaries: public as they came. */
export const notificationTypes = "netbackup.";

/**
 * The events of the hub's own that concern its users, and the members of their data that are shown. What is not in this list is never
 * shown outside: neither the audit, nor who may do what, nor hashes of secrets. An event about one primary has `/primaries/<id>` as
 * its source; others are for those only who may see the whole hub.
 */
export const publicTypes: Readonly<Record<string, readonly string[]>> = {
  "sallyport.primary.enrolled": ["id", "name", "labels"],
  "sallyport.primary.deleted": ["id", "name"],
  "sallyport.primary.changed": ["id", "name", "labels", "dialect"],
  "sallyport.primary.endpoint.added": ["id", "groupId", "priority", "address"],
  "sallyport.primary.token.rotated": ["id", "groupId", "address", "expiresAt"],
  "sallyport.primary.token.ended": ["id", "groupId", "why"],
  "sallyport.primary.token.shared": ["id", "groupId", "addresses", "sign", "trackingId"],
  "sallyport.connection.connected": ["id", "groupId", "epoch", "remoteAddress", "trackingId"],
  "sallyport.connection.disconnected": [
    "id",
    "groupId",
    "epoch",
    "remoteAddress",
    "trackingId",
    "connectedAt",
    "lastSeenAt",
    "closeCode",
    "closeReason",
  ],
  "sallyport.notifications.gap": ["id", "groupId", "from", "to", "count", "since", "until", "reason"],
  "sallyport.command.finished": ["id", "primaryId", "method", "path", "state", "status"],
  "sallyport.alert.raised": ["id", "ruleId", "ruleName", "kind", "primaryId", "message", "advice"],
  "sallyport.alert.acknowledged": ["id", "mutedUntil"],
  "sallyport.alert.resolved": ["id", "ruleId", "kind", "primaryId", "message", "reason"],
  "sallyport.rollout.created": ["id", "name", "method", "path", "targets"],
  "sallyport.rollout.finished": ["id", "name", "method", "path", "targets", "counts"],
  "sallyport.rollout.aborted": ["id", "name", "method", "path", "targets", "counts", "reason"],
  "sallyport.webhook.disabled": ["id", "reason"],
  "sallyport.webhook.missed": ["id", "from", "to"],
};

/** Whether events of this type are shown outside. */
export function isPublicType(type: string): boolean {
  return type.startsWith(notificationTypes) || Object.hasOwn(publicTypes, type);
}

/** The event as it is shown outside; undefined when it is not for users. */
export function toPublic(event: StoredEvent): CloudEvent | undefined {
  const { id, type, source, subject, time, position } = event;
  const data = publicData(event);
  if (data === undefined) return undefined;
  return {
    specversion: "1.0",
    id,
    type,
    source,
    subject,
    time,
    datacontenttype: "application/json",
    data,
    position,
  };
}

/**
 * The types, or beginnings of types, that are both wanted and public.
 * @param wanted beginnings of types; none for all that are public
 */
export function publicTypesOf(wanted: readonly string[]): string[] {
  const own = Object.keys(publicTypes);
  if (wanted.length === 0) return [notificationTypes, ...own];
  const found = wanted.flatMap((beginning) => {
    if (beginning.startsWith(notificationTypes)) return [beginning];
    const fits = own.filter((type) => type.startsWith(beginning));
    return notificationTypes.startsWith(beginning) ? [notificationTypes, ...fits] : fits;
  });
  return [...new Set(found)];
}

function publicData({ type, data }: StoredEvent): unknown {
  if (type.startsWith(notificationTypes)) return data;
  const members = Object.hasOwn(publicTypes, type) ? publicTypes[type] : undefined;
  if (members === undefined) return undefined;
  const all = data as Readonly<Record<string, unknown>>;
  return Object.fromEntries(
    members.filter((member) => all[member] !== undefined).map((member) => [member, all[member]]),
  );
}
