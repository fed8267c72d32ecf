import { covers, type Scope } from "../access/roles.ts";
import type { StoredEvent } from "../log/log.ts";
import { publicTypesOf } from "./public-events.ts";

/** Which events somebody wants. */
export interface FeedWish {
  /** Beginnings of types; none for all that are public. */
  types: readonly string[];
  /** Only of these primaries; none for all. */
  primaries: readonly string[];
  /** Only of primaries with all of these labels, as they are now. */
  labels: Readonly<Record<string, string>>;
  /** Stored at or after this moment, ISO 8601, UTC. */
  since?: string | undefined;
  /** Stored before this moment. */
  until?: string | undefined;
}

/** Which events somebody gets: what they want of what they may see. */
export interface FeedFilter {
  /** Beginnings of public types. */
  types: readonly string[];
  /** `/primaries/<id>`; undefined for all, the hub's own included. */
  sources: ReadonlySet<string> | undefined;
  since: string | undefined;
  until: string | undefined;
}

/** What of a primary decides. */
interface Labelled {
  id: string;
  labels: Readonly<Record<string, string>>;
}

/** Makes the filter of a wish within a scope. */
export function toFilter(wish: FeedWish, scope: Scope, list: () => readonly Labelled[]): FeedFilter {
  const { since, until } = wish;
  return { types: publicTypesOf(wish.types), sources: sourcesOf(wish, scope, list), since, until };
}

/** Whether an event is one of those. */
export function matches(filter: FeedFilter, { type, source, time }: StoredEvent): boolean {
  return (
    filter.types.some((beginning) => type.startsWith(beginning)) &&
    (filter.sources?.has(source) ?? true) &&
    isWithin(filter, time)
  );
}

/** Whether a moment lies within the filter's. */
export function isWithin({ since, until }: Pick<FeedFilter, "since" | "until">, time: string): boolean {
  return (since === undefined || time >= since) && (until === undefined || time < until);
}

function sourcesOf(
  { primaries, labels }: FeedWish,
  scope: Scope,
  list: () => readonly Labelled[],
): ReadonlySet<string> | undefined {
  const wantsLabels = Object.keys(labels).length > 0;
  if (scope.kind === "all" && !wantsLabels) {
    // Also those that are not enrolled any more.
    return primaries.length === 0 ? undefined : new Set(primaries.map(toSource));
  }
  const seen = list().filter(
    (primary) => covers(scope, primary) && covers({ kind: "labels", labels }, primary),
  );
  const wanted = new Set(primaries);
  return new Set(seen.filter(({ id }) => wanted.size === 0 || wanted.has(id)).map(({ id }) => toSource(id)));
}

function toSource(id: string): string {
  return `/primaries/${id}`;
}
