import type { Gap } from "@sallyport/nbwss";
import type { OutboxGap } from "./gaps.ts";

/**
 * How to announce that the positions `from` to `to` are no longer there: those that were dropped at the bound as such, and the rest as what the
 * endpoint once had (Sallyport's extension, GAP).
 * @param dropped the group's latest gap at the bound
 */
export function describeMissing(from: number, to: number, dropped: OutboxGap | undefined): Gap[] {
  if (from > to) return [];
  const overlapsWith = dropped !== undefined && dropped.firstPosition <= to && dropped.lastPosition >= from;
  if (!overlapsWith) return [wentBack(from, to)];
  const first = Math.max(from, dropped.firstPosition);
  const last = Math.min(to, dropped.lastPosition);
  const full: Gap = {
    from: first,
    to: last,
    count: last - first + 1,
    // Of a part of it only the other end is known.
    sinceMs: first === dropped.firstPosition ? dropped.sinceMs : null,
    untilMs: last === dropped.lastPosition ? dropped.untilMs : null,
    reason: "outbox_full",
  };
  const before = first > from ? [wentBack(from, first - 1)] : [];
  const after = last < to ? [wentBack(last + 1, to)] : [];
  return [...before, full, ...after];
}

function wentBack(from: number, to: number): Gap {
  const count = to - from + 1;
  return { from, to, count, sinceMs: null, untilMs: null, reason: "endpoint_went_back" };
}
