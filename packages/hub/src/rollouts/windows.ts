import { weekdays, type RolloutWindow } from "../api/rollouts-schemas.ts";

const minuteMs = 60_000;
const dayMs = 86_400_000;

/** Whether commands may be sent at a moment, and until when, or from when on. Epoch ms; null for ever. */
export type WindowStanding =
  | { isOpen: true; closesAtMs: number | null }
  | { isOpen: false; opensAtMs: number };

/** Where a moment stands in windows; without any it is always open. Windows that overlap or touch are one. */
export function windowAt(windows: readonly RolloutWindow[], nowMs: number): WindowStanding {
  if (windows.length === 0) return { isOpen: true, closesAtMs: null };
  const spans = spansAround(windows, nowMs);
  let closesAtMs = nowMs;
  for (const { fromMs, toMs } of spans) {
    if (fromMs <= closesAtMs && toMs > closesAtMs) closesAtMs = toMs;
  }
  if (closesAtMs > nowMs) {
    // Open for more than a week on end: there is no gap at all.
    return { isOpen: true, closesAtMs: closesAtMs > nowMs + 7 * dayMs ? null : closesAtMs };
  }
  return { isOpen: false, opensAtMs: spans.find(({ fromMs }) => fromMs > nowMs)?.fromMs ?? nowMs + dayMs };
}

/** All spans from yesterday to more than a week ahead, by their beginning. UTC has no summer time: each day is as long. */
function spansAround(windows: readonly RolloutWindow[], nowMs: number) {
  const spans: { fromMs: number; toMs: number }[] = [];
  const today = Math.floor(nowMs / dayMs);
  for (let day = today - 1; day <= today + 8; day += 1) {
    const weekday = weekdays[new Date(day * dayMs).getUTCDay()];
    for (const { weekdays: days, start, end } of windows) {
      if (days !== undefined && (weekday === undefined || !days.includes(weekday))) continue;
      const fromMs = day * dayMs + minutesOf(start) * minuteMs;
      const sameDayMs = day * dayMs + minutesOf(end) * minuteMs;
      spans.push({ fromMs, toMs: sameDayMs > fromMs ? sameDayMs : sameDayMs + dayMs });
    }
  }
  return spans.sort((a, b) => a.fromMs - b.fromMs);
}

function minutesOf(time: string): number {
  const [hours = 0, minutes = 0] = time.split(":").map(Number);
  return hours * 60 + minutes;
}
