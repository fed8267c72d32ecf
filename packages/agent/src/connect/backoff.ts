/** What decides how long to wait before the next try. */
export interface BackoffOptions {
  baseMs: number;
  maxMs: number;
  /** In [0, 1). */
  random(): number;
}

/**
 * How long to wait before try `attempt` (0 is the first again): full jitter, random in [0, min(max, base · 2^attempt)), so that
 * a thousand primaries that lost the same hub do not come back together.
 * @returns ms
 */
export function backoffMs(attempt: number, options: BackoffOptions): number {
  const ceiling = Math.min(options.maxMs, options.baseMs * 2 ** Math.min(attempt, 30));
  return Math.floor(options.random() * ceiling);
}

/**
 * How long to wait after a refused token: slow, since only a new token helps, but never for good (the token may be
 * put right on the other side).
 * @returns ms
 */
export function refusedTokenMs(options: BackoffOptions): number {
  return Math.floor(options.maxMs * (0.5 + options.random() / 2));
}
