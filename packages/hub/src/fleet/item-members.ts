import type { KnownEvent } from "../log/known-events.ts";

/** Characters of a member that are shown at most; the log keeps all of it. */
const maxText = 256;

/** A member as text; "" when it is missing or no text. Never throws: items come from strangers. */
export function textOf(value: unknown): string {
  if (typeof value === "number" && Number.isFinite(value)) return String(value);
  // What is cut in the middle of a character would come back from the database as another text.
  return typeof value === "string" ? value.slice(0, maxText).toWellFormed() : "";
}

/** A member as a whole number that is not negative; null when it is none. Text of digits counts. */
export function wholeOf(value: unknown): number | null {
  const number = typeof value === "string" && /^\d{1,15}$/.test(value) ? Number(value) : value;
  return typeof number === "number" && Number.isSafeInteger(number) && number >= 0 ? number : null;
}

/** What no moment in seconds reaches before the year 5138: then it is milliseconds. */
const latestSeconds = 1e11;
/** The last moment that a Date can hold, ms. */
const latestMs = 8.64e15;

/** A member that says seconds since the epoch, as ms; null when it is missing or 0. Some primaries send milliseconds. */
export function epochMsOf(value: unknown): number | null {
  const whole = wholeOf(value);
  if (whole === null || whole === 0) return null;
  return Math.min(whole < latestSeconds ? whole * 1000 : whole, latestMs);
}

/** The primary that an event comes from: the id in its source. */
export function primaryOf(source: string): string | undefined {
  return /^\/primaries\/([^/]+)$/.exec(source)?.[1];
}

/** The members of an item; none when it is no object. */
export function membersOf(data: unknown): Record<string, unknown> {
  return typeof data === "object" && data !== null ? (data as Record<string, unknown>) : {};
}

/** The position before which notifications are gone, when an event says so; undefined for any other event. */
export function notificationsGoneBefore(known: KnownEvent | undefined): number | undefined {
  if (known?.type !== "sallyport.log.trimmed" || !known.data.types.includes("netbackup.")) return undefined;
  return known.data.before;
}
