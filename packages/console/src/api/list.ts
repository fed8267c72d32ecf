import { infiniteQueryOptions } from "@tanstack/react-query";
import { requestJson } from "./client.ts";

/** One page of any list of the hub's API. */
export interface ListAnswer<Item> {
  data: Item[];
  /** What to ask for the next page; null on the last one. */
  next: string | null;
}

/** Values of a query; empty ones are left out, of a list each is repeated. */
export type ListParameters = Readonly<Record<string, string | readonly string[] | undefined>>;

/** How often a list is read again while it is in view. */
const refreshIntervalMs = 10_000;
/** Pages that are kept; a list that is longer is filtered, not scrolled to its end. */
const maxPages = 20;

/** A list of the hub, page by page, read again every ten seconds while it is in view. */
export function listQuery<Item>(path: string, parameters: ListParameters = {}) {
  return infiniteQueryOptions({
    queryKey: [path, parameters],
    queryFn: ({ pageParam, signal }) =>
      requestJson<ListAnswer<Item>>(`${path}${queryText({ ...parameters, cursor: pageParam })}`, { signal }),
    initialPageParam: "",
    getNextPageParam: ({ next }, pages) => (pages.length < maxPages ? next : null),
    refetchInterval: refreshIntervalMs,
  });
}

/** A query with its question mark; nothing when no value is set. */
export function queryText(parameters: ListParameters): string {
  const values = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    for (const one of typeof value === "string" || value === undefined ? [value] : value) {
      if (one !== undefined && one !== "") values.append(name, one);
    }
  }
  return values.size === 0 ? "" : `?${values.toString()}`;
}
