import type { ListedPrimary } from "../client/hub-client.ts";
import { fail, pass, warn, type Check } from "@sallyport/agent";
import type { Answer } from "./reach.ts";

/** The version of the hub's API that these commands speak. */
const apiVersion = "1";
/** Names of primaries, and reasons, that a line has room for. */
const shownAtMost = 3;

/** Says who the API key is. */
export function keyCheck({ name, role }: { name: string; role: string }): Check {
  return pass("api-key", `valid: "${name}", role ${role}`);
}

/** Says whether the hub speaks what these commands speak. */
export function versionCheck({ status, text }: Pick<Answer, "status" | "text">): Check {
  const name = "hub-version";
  const version = status === 200 ? versionOf(text) : undefined;
  if (version === undefined) {
    return fail(name, `/openapi.json does not describe a hub (${status})`, "see that the URL leads to a hub");
  }
  if (version === apiVersion) return pass(name, `its API has version ${version}, as these commands`);
  const found = `its API has version ${version}, these commands speak ${apiVersion}`;
  return fail(name, found, "use the sallyport command of the hub's release");
}

function versionOf(text: string): string | undefined {
  try {
    const { info } = JSON.parse(text) as { info?: { title?: unknown; version?: unknown } };
    return info?.title === "Sallyport hub" && typeof info.version === "string" ? info.version : undefined;
  } catch {
    // No JSON: no hub.
    return undefined;
  }
}

/** How many primaries there are, by state. */
export interface PrimaryCounts {
  total: number;
  connected: number;
  stale: number;
  disconnected: number;
  never: number;
}

/** Says which primaries are away, and why the last connections of those ended. @param away those that are disconnected, the first at least */
export function primariesCheck(counts: PrimaryCounts, away: readonly ListedPrimary[]): Check {
  const name = "primaries";
  const { total, connected, stale, disconnected, never } = counts;
  if (total === 0) return pass(name, "none is enrolled yet");
  const found = `${connected} of ${total} connected, ${stale} stale, ${disconnected} disconnected, ${never} never connected`;
  if (stale + disconnected + never === 0) return pass(name, found);
  const why = away.length === 0 ? "" : `; last closes: ${reasonsOf(away)}`;
  const named = away.slice(0, shownAtMost).map((one) => one.name);
  const example =
    named.length === 0 ? "" : ` (${named.join(", ")}${away.length > named.length ? ", …" : ""})`;
  const todo = `see "sallyport primaries show NAME" for cause and advice${example}; on premises: "sallyport endpoint list"`;
  return connected === 0 ? fail(name, `${found}${why}`, todo) : warn(name, `${found}${why}`, todo);
}

/** The commonest reasons, each with how often it is. */
function reasonsOf(away: readonly ListedPrimary[]): string {
  const counts = new Map<string, number>();
  for (const { connection } of away) {
    const reason = `${connection.closeCode ?? "no code"} ${connection.closeReason ?? ""}`.trim();
    counts.set(reason, (counts.get(reason) ?? 0) + 1);
  }
  const sorted = [...counts].toSorted(([, a], [, b]) => b - a).slice(0, shownAtMost);
  return sorted.map(([reason, count]) => `${count} × ${reason}`).join(", ");
}
