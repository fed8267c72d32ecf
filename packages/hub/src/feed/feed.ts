import type { EventLog, StoredEvent } from "../log/log.ts";

/** An event outside the wire: CloudEvents 1.0 in JSON. */
export interface CloudEvent {
  specversion: "1.0";
  id: string;
  type: string;
  source: string;
  subject: string;
  time: string;
  datacontenttype: "application/json";
  /** The item of the notification, as it came. */
  data: unknown;
  /** Its place in the log; an extension. */
  position: number;
}

/** One page of the feed. */
export interface NotificationPage {
  data: CloudEvent[];
  /** What `after` has to be for the next page. */
  next: number;
}

/** Which notifications are wanted. */
export interface FeedQuery {
  after: number;
  limit: number;
  primary?: string | undefined;
  /** The beginning of the types. */
  type?: string | undefined;
}

/** Reads one page of notifications. Pages that are not full end at the end of the log, so that `next` never stands still. */
export async function readFeed(log: EventLog, query: FeedQuery): Promise<NotificationPage> {
  const { after, limit, primary, type } = query;
  const end = await log.lastPosition();
  const events = await log.read({
    after,
    limit,
    types: [type ?? "netbackup."],
    source: primary === undefined ? undefined : `/primaries/${primary}`,
  });
  const last = events.at(-1)?.position ?? after;
  return {
    data: events.map(toCloudEvent),
    next: events.length === limit ? last : Math.max(last, end, after),
  };
}

/** An event of the log as a CloudEvent. */
export function toCloudEvent(event: StoredEvent): CloudEvent {
  const { id, type, source, subject, time, data, position } = event;
  const contentType = "application/json";
  return {
    specversion: "1.0",
    id,
    type,
    source,
    subject,
    time,
    datacontenttype: contentType,
    data,
    position,
  };
}
