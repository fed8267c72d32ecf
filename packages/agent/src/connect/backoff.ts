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

/** Tries at the pace of a window before the common back-off begins. */
const movedTries = 12;

/**
 * How long to wait after an endpoint asked to leave and none could be reached: its window, always the same. Each primary left at a moment
 * of its own in that window, and this keeps their distances: however long the endpoint is away, they come back spread over one window
 * (Sallyport's extension, MOVE).
 * @returns ms
 */
export function movedMs(attempt: number, windowMs: number, options: BackoffOptions): number {
  if (attempt >= movedTries) return backoffMs(attempt - movedTries, options);
  return Math.max(options.baseMs, windowMs);
}

/**
 * How long to wait after a refused token: slow, since only a new token helps, but never for good (the token may be
 * put right on the other side).
 * @returns ms
 */
export function refusedTokenMs(options: BackoffOptions): number {
  return Math.floor(options.maxMs * (0.5 + options.random() / 2));
}
