import type { PrimarySummary } from "@sallyport/hub";
import { queryOptions } from "@tanstack/react-query";
import { requestJson } from "./client.ts";

export type { PrimarySummary };

export type ConnectionState = PrimarySummary["connection"]["state"];

/** What the console needs of the answer when a primary is enrolled. */
export interface NewlyEnrolled {
  id: string;
  name: string;
  /** Gives the endpoint, token included, once and within an hour. */
  detailsUrl: string;
}

/** How often the list is read again. */
const refreshIntervalMs = 5_000;

/** Every primary, by name, read again every five seconds while the page is in view. */
export const primariesQuery = queryOptions({
  queryKey: ["primaries"],
  queryFn: async ({ signal }) => {
    const { data } = await requestJson<{ data: PrimarySummary[] }>("/primaries", { signal });
    const byName = new Intl.Collator("en", { numeric: true, sensitivity: "base" });
    return data.toSorted((a, b) => byName.compare(a.name, b.name));
  },
  refetchInterval: refreshIntervalMs,
});

/** Enrols a primary. Only what is shown is kept of the answer: the token in it never leaves this function. */
export async function enrolPrimary(name: string): Promise<NewlyEnrolled> {
  const answer = await requestJson<NewlyEnrolled>("/primaries", { method: "POST", body: { name } });
  return { id: answer.id, name: answer.name, detailsUrl: answer.detailsUrl };
}
