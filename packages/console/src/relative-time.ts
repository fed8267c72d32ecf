const steps: readonly (readonly [unit: Intl.RelativeTimeFormatUnit, seconds: number])[] = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
  ["second", 1],
];

/** The clocks of the hub and of the browser differ a little: what is this near counts as now, s. */
const nearFutureS = 10;

const inWords = new Intl.RelativeTimeFormat("en", { numeric: "always" });
const exactly = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "long" });

/** How long ago something was, or how soon it will be, rounded down to its largest unit: "3 minutes ago", "in 2 days". */
export function relativeTime(momentMs: number, nowMs: number): string {
  const seconds = Math.floor((nowMs - momentMs) / 1000);
  if (seconds < 1 && -seconds < nearFutureS) return "just now";
  const size = Math.abs(seconds);
  const [unit, unitS] = steps.find(([, least]) => size >= least) ?? ["second", 1];
  return inWords.format(-Math.sign(seconds) * Math.floor(size / unitS), unit);
}

/** The exact moment, in the reader's language and time zone. */
export function exactTime(momentMs: number): string {
  return exactly.format(momentMs);
}
