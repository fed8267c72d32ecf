/**
 * Reads a time of NetBackup's REST API.
 * @returns epoch ms; undefined for what is no time
 */
export function isoMs(text: string): number | undefined {
  const ms = Date.parse(text);
  return Number.isFinite(ms) ? ms : undefined;
}

/** Writes a time as filters of NetBackup's REST API take it: whole seconds, never later than `ms`. */
export function filterTime(ms: number): string {
  const wholeSeconds = Math.floor(Math.max(0, ms) / 1000) * 1000;
  return new Date(wholeSeconds).toISOString().replace(".000Z", "Z");
}
