const steps: readonly (readonly [unit: Intl.RelativeTimeFormatUnit, seconds: number])[] = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
  ["second", 1],
];

const inWords = new Intl.RelativeTimeFormat("en", { numeric: "always" });
const exactly = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "long" });

/**
 * How long ago something was, rounded down to its largest unit: "3 minutes ago". A moment that is still to come
 * counts as now, because the clocks of the hub and of the browser differ a little.
 */
export function relativeTime(momentMs: number, nowMs: number): string {
  const seconds = Math.floor((nowMs - momentMs) / 1000);
  const step = steps.find(([, size]) => seconds >= size);
  if (step === undefined) return "just now";
  const [unit, size] = step;
  return inWords.format(-Math.floor(seconds / size), unit);
}

/** The exact moment, in the reader's language and time zone. */
export function exactTime(momentMs: number): string {
  return exactly.format(momentMs);
}
