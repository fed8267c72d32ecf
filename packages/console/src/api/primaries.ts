import type { PrimariesSummary, PrimarySummary } from "@sallyport/hub";
import { queryOptions } from "@tanstack/react-query";
import { requestJson } from "./client.ts";
import { listQuery, queryText, type ListParameters } from "./list.ts";

export type { PrimarySummary };

export type ConnectionState = PrimarySummary["connection"]["state"];

/** What the console needs of the answer when a primary is enrolled. */
export interface NewlyEnrolled {
  id: string;
  name: string;
  /** Gives the endpoint, token included, once and within an hour. */
  detailsUrl: string;
}

/** What is known of the primaries: what changes one of them may change each list and count. */
export const primariesKey = ["/primaries"] as const;

/** Primaries, page by page. */
export const primariesQuery = (filters: ListParameters) => listQuery<PrimarySummary>("/primaries", filters);

/** How many primaries there are, and how many in each state. */
export const primariesSummaryQuery = (filters: ListParameters = {}) =>
  queryOptions({
    queryKey: ["/primaries", "summary", filters],
    queryFn: ({ signal }) =>
      requestJson<PrimariesSummary>(`/primaries/summary${queryText(filters)}`, { signal }),
    refetchInterval: 10_000,
  });

/** Names by id, of as many as one page has at most: what is not among them is shown by its id. */
export const primaryNamesQuery = queryOptions({
  queryKey: ["/primaries", "names"],
  queryFn: async ({ signal }) => {
    const { data } = await requestJson<{ data: PrimarySummary[] }>("/primaries?limit=1000", { signal });
    return new Map(data.map(({ id, name }) => [id, name]));
  },
  staleTime: 60_000,
});

/** Enrols a primary. Only what is shown is kept of the answer: the token in it never leaves this function. */
export async function enrolPrimary(
  name: string,
  labels: Readonly<Record<string, string>>,
): Promise<NewlyEnrolled> {
  const body = { name, labels };
  const answer = await requestJson<NewlyEnrolled>("/primaries", { method: "POST", body });
  return { id: answer.id, name: answer.name, detailsUrl: answer.detailsUrl };
}
