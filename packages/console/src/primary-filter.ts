import type { ConnectionState, PrimarySummary } from "./api/primaries.ts";

/** What people call the states of a connection. */
export const stateNames: Record<ConnectionState, string> = {
  connected: "Connected",
  stale: "Not answering",
  disconnected: "Disconnected",
  never: "Never connected",
};

/**
 * Whether a primary is meant by what was typed: each word has to begin a word of its name, labels, state, address
 * or close reason. Begin, so that "connected" does not also find what is disconnected.
 */
export function matchesFilter(primary: PrimarySummary, typed: string): boolean {
  const { connection, labels } = primary;
  const texts = [
    primary.name,
    ...Object.entries(labels).map(([key, value]) => `${key}=${value}`),
    stateNames[connection.state],
    connection.remoteAddress ?? "",
    connection.closeCode?.toString() ?? "",
    connection.closeReason ?? "",
  ];
  const haystack = texts.join("\n").toLowerCase();
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
  return words.every((word) => beginsAWord(haystack, word));
}

function beginsAWord(haystack: string, word: string): boolean {
  for (let at = haystack.indexOf(word); at !== -1; at = haystack.indexOf(word, at + 1)) {
    if (at === 0 || !/[\p{L}\p{N}]/u.test(haystack[at - 1] ?? "")) return true;
  }
  return false;
}
