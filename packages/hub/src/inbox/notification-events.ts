import type { NotificationRequest } from "@sallyport/nbwss";
import type { LogEvent } from "../log/log.ts";
import { digestOf } from "./digest.ts";

/** An item of a notification on its way into the log. */
export interface IncomingItem {
  event: LogEvent;
  digest: string;
  /** Whether its subject names one job or image, so that a resend can be known by its content. */
  hasSubject: boolean;
}

/**
 * Makes one event for each item of a notification (NBWSS, NOTIFICATION). Types are `netbackup.job.<state>` and
 * `netbackup.image.<operation>` in lower case with `_` kept; what is not understood is `netbackup.<object>.unknown`,
 * its item kept as it came.
 * The event's id is made of primary, message id, index and content: a resend makes the same ids, while a
 * primary that uses an id twice for different things loses nothing.
 */
export function toIncomingItems(
  primaryId: string,
  notification: Pick<NotificationRequest, "id" | "payload">,
  time: string,
): IncomingItem[] {
  const items = notification.payload.flatMap(({ object, data }) => data.map((item) => ({ object, item })));
  return items.map(({ object, item }, index) => {
    const digest = digestOf(item);
    const { kind, subject } = describe(object, item);
    return {
      digest,
      hasSubject: subject !== undefined,
      event: {
        id: `${primaryId}.${notification.id.toUpperCase()}.${index}.${digest.slice(0, 8)}`,
        type: `netbackup.${kind}`,
        source: `/primaries/${primaryId}`,
        subject: subject ?? word(object),
        time,
        data: item,
      },
    };
  });
}

function describe(object: string, item: Record<string, unknown>): { kind: string; subject?: string } {
  const { jobId, state, backupId, operationId } = item;
  if (object === "JOB" && isName(state) && (typeof jobId === "number" || isName(jobId))) {
    return { kind: `job.${state.toLowerCase()}`, subject: `job/${jobId}` };
  }
  if (object === "IMAGE" && isName(operationId) && typeof backupId === "string" && backupId !== "") {
    return { kind: `image.${operationId.toLowerCase()}`, subject: `image/${backupId}` };
  }
  return { kind: `${word(object)}.unknown` };
}

function isName(value: unknown): value is string {
  return typeof value === "string" && /^[A-Za-z0-9_]{1,64}$/.test(value);
}

/** What a primary calls an object, made fit for an event's type. */
function word(object: string): string {
  return (
    object
      .toLowerCase()
      .replaceAll(/[^a-z0-9_]/g, "_")
      .slice(0, 64) || "object"
  );
}
