const seconds = 1_000;
const minutes = 60 * seconds;
const hours = 60 * minutes;

/** Pauses after the first, second … failure of one delivery, ms; the last one goes on. */
const pauses: readonly number[] = [
  5 * seconds,
  30 * seconds,
  2 * minutes,
  10 * minutes,
  30 * minutes,
  1 * hours,
  2 * hours,
  4 * hours,
  6 * hours,
];
/** A pause is up to this part longer or shorter, so that what failed together does not come back together. */
const jitter = 0.25;
/** How long a delivery is tried, ms; longer than it takes to disable a webhook whose receiver takes nothing at all. */
const giveUpAfterMs = 96 * hours;
/** Attempts at least, however long it took: a hub that was stopped has not tried. */
const minAttempts = 20;
/** Attempts of what the receiver refuses for what it is, while it takes others; it would refuse it for ever. */
const maxRefusals = 5;
/** The longest pause that a receiver may ask for, ms. */
const maxRetryAfterMs = 6 * hours;
/** Between two failures further apart nobody knows how the receiver was, ms: nothing was sent, or the hub was stopped. */
const maxFailureGapMs = 12 * hours;
/** Failures in a row, of whatever, after which the webhook as a whole pauses. */
const tolerated = 3;
const maxBackoffMs = 10 * minutes;

/** Answers that speak of the event, not of the receiver's state: the same body will not be taken later either. */
const refusals: ReadonlySet<number> = new Set([400, 404, 405, 406, 409, 411, 413, 414, 415, 422, 431]);

/** What the answer of a receiver means. */
export type Verdict = "delivered" | "gone" | "refused" | "failed";

/** What is known of a delivery when an attempt has failed. */
export interface Failing {
  /** Attempts, this one included. */
  attempts: number;
  /** Of these, the ones after which the next pause is longer: not those that the receiver put off itself. */
  failures: number;
  /** Those that it refused for what they are. */
  refusals: number;
  /** Whether the receiver has taken other events since the first attempt. */
  takesOthers: boolean;
  /** Epoch ms. */
  firstAttemptMs: number;
  nowMs: number;
  /** What the receiver asked for, ms; undefined when it did not. */
  retryAfterMs: number | undefined;
  /** Between 0 and 1. */
  random: number;
}

/** What a status says. */
export function verdictOf(status: number): Verdict {
  if (status >= 200 && status < 300) return "delivered";
  if (status === 410) return "gone";
  return refusals.has(status) ? "refused" : "failed";
}

/** When to try a delivery again, epoch ms; undefined when it is given up. */
export function nextAttemptMs(failing: Failing): number | undefined {
  const { attempts, failures, firstAttemptMs, nowMs, retryAfterMs, random } = failing;
  // One that refuses everything is not set up right; then its webhook is disabled, and nothing is lost.
  if (failing.refusals >= maxRefusals && failing.takesOthers) return undefined;
  if (attempts >= minAttempts && nowMs - firstAttemptMs >= giveUpAfterMs) return undefined;
  const pause = pauses[Math.min(Math.max(failures, 1), pauses.length) - 1] ?? 0;
  const jittered = Math.round(pause * (1 + (random * 2 - 1) * jitter));
  return nowMs + Math.max(jittered, retryAfterMs ?? 0);
}

/**
 * How long a whole webhook pauses after so many failures in a row, ms. One event that fails does not hold up the others; a receiver that takes
 * none of them is asked less and less often.
 */
export function backoffMs(failuresInARow: number, random: number): number {
  if (failuresInARow < tolerated) return 0;
  const pause = Math.min(5 * seconds * 2 ** (failuresInARow - tolerated), maxBackoffMs);
  return Math.round(pause * (1 + (random * 2 - 1) * jitter));
}

/** Whether so many failures in a row mean that the receiver was away, so that all that waits is due when it is back. */
export function wasAway(failuresInARow: number): boolean {
  return failuresInARow >= tolerated;
}

/**
 * How much longer a webhook has been failing, ms, when it fails again: the time since the failure before, unless that is so long ago that
 * nothing is known of the time between.
 */
export function failingForMs(lastFailureMs: number | null, nowMs: number): number {
  const gap = lastFailureMs === null ? 0 : nowMs - lastFailureMs;
  return gap > 0 && gap <= maxFailureGapMs ? gap : 0;
}

/**
 * What `Retry-After` asks for, ms: seconds or an HTTP date; undefined for neither. At most six hours are granted.
 * @param nowMs epoch ms
 */
export function readRetryAfter(value: string | undefined, nowMs: number): number | undefined {
  if (value === undefined) return undefined;
  const text = value.trim();
  const isDate = /^[A-Z][a-z]{2},.+GMT$/.test(text);
  const ms = /^\d{1,10}$/.test(text) ? Number(text) * seconds : isDate ? Date.parse(text) - nowMs : NaN;
  if (Number.isNaN(ms)) return undefined;
  return Math.min(Math.max(ms, 0), maxRetryAfterMs);
}
