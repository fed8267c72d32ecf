import type { PrimarySummary, PrimaryToken, TimelineEntry } from "@sallyport/hub";
import { queryOptions } from "@tanstack/react-query";
import { request, requestJson } from "./client.ts";
import { listQuery } from "./list.ts";

const pathOf = (id: string) => `/primaries/${encodeURIComponent(id)}`;

/** One primary with its connection. */
export const primaryQuery = (id: string) =>
  queryOptions({
    queryKey: ["/primaries", id],
    queryFn: ({ signal }) => requestJson<PrimarySummary>(pathOf(id), { signal }),
    refetchInterval: 10_000,
  });
/** What happened to its connections, newest first. */
export const timelineQuery = (id: string) => listQuery<TimelineEntry>(`${pathOf(id)}/timeline`);
/** Its tokens, never the tokens themselves. */
export const tokensQuery = (id: string) => listQuery<PrimaryToken>(`${pathOf(id)}/tokens`);

/** What the console shows of new endpoint details: the address alone, the token in them never leaves this file. */
export interface DetailsAddress {
  detailsUrl: string;
}

/** Which endpoint of a primary. */
export interface EndpointChoice {
  groupId: string;
  /** `https://HOST[:PORT]` */
  url: string;
}

/**
 * Makes a new token; the old one works for `overlapMs` more.
 * @param endpoint needed when it has several
 */
export async function rotateToken(
  id: string,
  overlapMs: number,
  endpoint?: EndpointChoice,
): Promise<DetailsAddress> {
  const body = { overlapMs, ...endpoint };
  const { detailsUrl } = await requestJson<DetailsAddress>(`${pathOf(id)}/token`, { method: "POST", body });
  return { detailsUrl };
}

/** Makes details for one more endpoint. */
export async function newDetails(id: string, groupId: string, priority: number): Promise<DetailsAddress> {
  const body = { groupId, priority };
  const { detailsUrl } = await requestJson<DetailsAddress>(`${pathOf(id)}/details`, { method: "POST", body });
  return { detailsUrl };
}

/** Ends a token, and the connection that uses it, at once. */
export async function endToken(id: string, tokenId: string): Promise<void> {
  await request(`${pathOf(id)}/tokens/${encodeURIComponent(tokenId)}`, { method: "DELETE" });
}

/** Renames a primary or replaces its labels. */
export async function updatePrimary(
  id: string,
  change: Partial<Pick<PrimarySummary, "name" | "labels">>,
): Promise<void> {
  await request(pathOf(id), { method: "PATCH", body: change });
}

/** Says that somebody has looked after a warning. */
export async function acknowledgeWarning(id: string, kind: string): Promise<void> {
  await request(`${pathOf(id)}/warnings/${encodeURIComponent(kind)}/acknowledge`, { method: "POST" });
}

/** Removes a primary: its tokens are void and its connections are cut. */
export async function removePrimary(id: string): Promise<void> {
  await request(pathOf(id), { method: "DELETE" });
}
