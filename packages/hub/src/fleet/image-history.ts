import type { StoredEvent } from "../log/log.ts";
import { epochMsOf, membersOf, textOf } from "./item-members.ts";

/** What of an image does not change. */
export interface ImageDetail {
  clientName: string;
  clientType: string;
  /** Epoch ms; null when it said none. */
  backupMs: number | null;
}

/** One notification about an image. */
export interface ImageItem {
  position: number;
  /** When the hub stored it, epoch ms. */
  timeMs: number;
  /** In upper case. */
  operation: string;
  /** Epoch ms; null when it said none. */
  createdMs: number | null;
  /** Tells the message that it came in from those before and after it. */
  message: string;
  detail: ImageDetail;
}

/** Notifications of an image that are kept and count: the newest, as of a job (`keptJobItems`). */
export const keptImageItems = 16;

/** Reads a notification of an image leniently; undefined when it names no image. */
export function toImageItem(event: StoredEvent): { backupId: string; item: ImageItem } | undefined {
  if (!event.type.startsWith("netbackup.image.")) return undefined;
  const members = membersOf(event.data);
  const backupId = textOf(members["backupId"]);
  if (backupId === "") return undefined;
  const item: ImageItem = {
    position: event.position,
    timeMs: Date.parse(event.time) || 0,
    operation: textOf(members["operationId"]).toUpperCase(),
    createdMs: epochMsOf(members["createdTime"]),
    message: messageOf(event.id),
    detail: {
      clientName: textOf(members["clientName"]),
      clientType: textOf(members["clientType"]),
      backupMs: epochMsOf(members["backupTime"]),
    },
  };
  return { backupId, item };
}

/** The end of the message's id, as the inbox puts it into the event's: `<primary>.<message>.<index>.<digest>`. */
function messageOf(eventId: string): string {
  return (eventId.split(".").at(-3) ?? "").slice(-12);
}

/** Adds a notification to those that are kept. */
export function addImageItem(items: readonly ImageItem[], item: ImageItem): ImageItem[] {
  return [...items, item].slice(-keptImageItems);
}

/**
 * What an image's notifications say together, in the order in which they were stored: the newest word counts, so an image that was
 * deleted and is imported again is back. But within one message the loss counts, since a deletion may arrive as UPDATE and
 * another item together (NBWSS, NOTIFICATION); and what tells of an older image of the same id came late.
 */
export function currentImage(items: readonly [ImageItem, ...ImageItem[]]): ImageItem {
  let current: ImageItem = items[0];
  for (const next of items.slice(1)) {
    if (supersedes(next, current)) current = next;
  }
  return current;
}

function supersedes(next: ImageItem, current: ImageItem): boolean {
  if (next.createdMs !== null && current.createdMs !== null && next.createdMs < current.createdMs) {
    return false;
  }
  return next.message !== current.message || lossOf(next) >= lossOf(current);
}

function lossOf({ operation }: ImageItem): number {
  if (operation === "DELETE") return 2;
  return operation === "NO_LOCAL_COPY_AVAILABLE" ? 1 : 0;
}

type DetailRow = readonly [string, string, number | null];
type ItemRow = readonly [
  position: number,
  timeMs: number,
  operation: string,
  createdMs: number | null,
  message: string,
  detail?: DetailRow,
];

/** Writes the notifications down, as text; a detail only where it differs from the current one. */
export function encodeImageItems(items: readonly ImageItem[], current: ImageDetail): string {
  const usual = JSON.stringify(toDetailRow(current));
  const rows = items.map(({ position, timeMs, operation, createdMs, message, detail }): ItemRow => {
    const row = toDetailRow(detail);
    const isUsual = JSON.stringify(row) === usual;
    return isUsual
      ? [position, timeMs, operation, createdMs, message]
      : [position, timeMs, operation, createdMs, message, row];
  });
  return JSON.stringify(rows);
}

/** Reads what `encodeImageItems` wrote. */
export function decodeImageItems(text: string, current: ImageDetail): ImageItem[] {
  const rows = JSON.parse(text) as ItemRow[];
  return rows.map(([position, timeMs, operation, createdMs, message, detail]) => ({
    position,
    timeMs,
    operation,
    createdMs,
    message,
    detail: detail === undefined ? current : toDetail(detail),
  }));
}

function toDetailRow({ clientName, clientType, backupMs }: ImageDetail): DetailRow {
  return [clientName, clientType, backupMs];
}

function toDetail([clientName, clientType, backupMs]: DetailRow): ImageDetail {
  return { clientName, clientType, backupMs };
}
