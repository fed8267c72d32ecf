/** More than this is not waited for, whatever a server says, ms. */
const longestMs = 15 * 60_000;

/**
 * How long a `Retry-After` wants one to wait. HTTP has seconds or a date; NetBackup writes a time in ISO 8601.
 * @returns ms, at most a quarter of an hour; 0 when it says nothing of use
 */
export function retryAfterMs(header: string | undefined, nowMs: number): number {
  if (header === undefined) return 0;
  const given = header.trim();
  const ms = /^\d{1,9}$/.test(given) ? Number(given) * 1000 : Date.parse(given) - nowMs;
  return Number.isFinite(ms) ? Math.min(longestMs, Math.max(0, ms)) : 0;
}
