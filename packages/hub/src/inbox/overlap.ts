/**
 * How many of the first incoming items repeat the last stored ones, in order: the longest beginning of `incoming` that is
 * also an end of `stored`. Those are a resend; the rest is new. A change back to an earlier state is no overlap.
 */
export function overlap(stored: readonly string[], incoming: readonly string[]): number {
  for (let length = Math.min(stored.length, incoming.length); length > 0; length -= 1) {
    const end = stored.slice(stored.length - length);
    if (end.every((digest, index) => digest === incoming[index])) return length;
  }
  return 0;
}
