import type { Health } from "@sallyport/nbwss";
import type { PrimaryRecord } from "../views/primaries.ts";
import type { PrimaryConnection } from "./registry.ts";

/** How a primary's connection stands. */
export type ConnectionState = "connected" | "stale" | "disconnected" | "never";

/** A primary's connection as the API shows it. */
export interface ConnectionSummary {
  /** `stale`: there is a connection, but the primary has not answered on it in time; no command goes there. */
  state: ConnectionState;
  /** Since when, ISO 8601; null when never. */
  since: string | null;
  /** When the primary last gave a sign of life. */
  lastSeenAt: string | null;
  remoteAddress: string | null;
  groupId: string | null;
  trackingId: string | null;
  closeCode: number | null;
  closeReason: string | null;
  /** What a primary that speaks `sallyport.v1` last said of itself, and when (ISO 8601); null without. */
  health: (Health & { at: string }) | null;
}

/** How a connection that is there stands. */
export function summaryOfLive(connection: PrimaryConnection, isHealthy: boolean): ConnectionSummary {
  return {
    state: isHealthy ? "connected" : "stale",
    since: new Date(connection.connectedAtMs).toISOString(),
    lastSeenAt: new Date(connection.lastSeenAtMs).toISOString(),
    remoteAddress: connection.remoteAddress,
    groupId: connection.identity.groupId,
    trackingId: connection.trackingId,
    closeCode: null,
    closeReason: null,
    health: healthOf(connection),
  };
}

/** How things stand without a connection: what the log says of the last one. */
export function summaryOfLast({ lastConnection: last }: PrimaryRecord): ConnectionSummary {
  return {
    state: last === undefined ? "never" : "disconnected",
    since: last?.since ?? null,
    lastSeenAt: last?.lastSeenAt ?? null,
    remoteAddress: last?.remoteAddress ?? null,
    groupId: null,
    trackingId: last?.trackingId ?? null,
    closeCode: last?.closeCode ?? null,
    closeReason: last?.closeReason ?? null,
    health: null,
  };
}

function healthOf({ health: said }: PrimaryConnection): ConnectionSummary["health"] {
  return said === undefined ? null : { ...said.health, at: new Date(said.atMs).toISOString() };
}
