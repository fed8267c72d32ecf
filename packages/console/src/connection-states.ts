import type { ConnectionState } from "./api/primaries.ts";

/** What people call the states of a connection. */
export const stateNames: Record<ConnectionState, string> = {
  connected: "Connected",
  stale: "Not answering",
  disconnected: "Disconnected",
  never: "Never connected",
};
