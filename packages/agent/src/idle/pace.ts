import type { HeartbeatPace } from "@sallyport/nbwss";
import type { IdleBracket } from "./search.ts";

/** So much of a silence that does no harm passes between two pings: one may be late without the connection being cut. */
const share = 0.75;
/** More often than this nobody pings, ms. */
const leastIntervalMs = 1_000;

/**
 * How often a connection pings: as it is set, but below what the way to the endpoint bears. Who pings more often may miss more of them, so
 * that a peer that has gone silent is given as long as ever.
 * @param set `keepAlive.*` of nbwss.properties
 */
export function pingPace(set: HeartbeatPace, found: IdleBracket | undefined): HeartbeatPace {
  if (found?.cutMs === undefined) return set;
  const borneMs = found.survivedMs === 0 ? found.cutMs / 2 : found.survivedMs;
  const intervalMs = Math.max(leastIntervalMs, Math.floor(borneMs * share));
  if (intervalMs >= set.intervalMs) return set;
  const toleratedMs = set.intervalMs * (set.maxMissed + 1);
  return { intervalMs, maxMissed: Math.ceil(toleratedMs / intervalMs) - 1 };
}
