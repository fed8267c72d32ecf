/** How far a list was read, all by the server's clock, epoch ms. Durable. */
export interface HighWater {
  /** When watching began: what was over before that is no news. */
  beganAtMs: number;
  /** Everything that was changed up to here has been seen, but for changes that the server wrote late. */
  markMs: number;
}

/**
 * From when on changes are to be asked for: some time before the mark, since a change may become visible later than the time that it
 * bears; not from before watching began.
 */
export function askFromMs({ beganAtMs, markMs }: HighWater, overlapMs: number): number {
  return Math.max(markMs - overlapMs, Math.min(beganAtMs, markMs));
}

/** What one complete reading of a list has shown. */
export interface Reading {
  /** The server's clock when it began. */
  serverNowMs: number;
  /** The latest time that a change bore; undefined when there was none. */
  latestMs: number | undefined;
}

/**
 * The high-water mark after a complete reading. It is never later than the server's clock, so that one item with a time in the future hides
 * nothing; and it goes back with a clock that was set back, with the overlap, so that what was changed since then is still found.
 */
export function nextHighWater(before: HighWater, reading: Reading, overlapMs: number): HighWater {
  const { serverNowMs, latestMs } = reading;
  const markMs = Math.min(Math.max(before.markMs, latestMs ?? before.markMs), serverNowMs);
  const beganAtMs =
    markMs < before.markMs ? Math.min(before.beganAtMs, markMs - overlapMs) : before.beganAtMs;
  return { beganAtMs, markMs };
}
