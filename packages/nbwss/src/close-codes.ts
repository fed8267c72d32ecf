/** What NetBackup calls the WebSocket close codes, as `closeStatus` of an endpoint shows them. */
const closeStatuses: Readonly<Record<number, string>> = {
  1000: "NORMAL_CLOSURE",
  1001: "GOING_AWAY",
  1002: "PROTOCOL_ERROR",
  1003: "CANNOT_ACCEPT",
  1005: "NO_STATUS_CODE",
  1006: "CLOSED_ABNORMALLY",
  1007: "NOT_CONSISTENT",
  1008: "VIOLATED_POLICY",
  1009: "TOO_BIG",
  1010: "NO_EXTENSION",
  1011: "UNEXPECTED_CONDITION",
  1012: "SERVICE_RESTART",
  1013: "TRY_AGAIN_LATER",
  1015: "TLS_HANDSHAKE_FAILURE",
};

/** The close codes of Sallyport's own, where the standard ones don't say enough (docs/protocol.md, close codes). */
export const closeCodes = {
  /** The token is used from another place, whose connection is alive: come back later, or get a token of your own. */
  tokenInUse: 4001,
} as const;

/** NetBackup's name for a close code; `GENERIC_CLOSE` for one that it does not name. */
export function closeStatusOf(closeCode: number): string {
  return closeStatuses[closeCode] ?? "GENERIC_CLOSE";
}

/** How a connection ended. */
export interface CloseInfo {
  /** WebSocket close code; 1006 when there was no close handshake. */
  code: number;
  /** The reason that the closing side gave, or what this side saw. */
  reason: string;
}
