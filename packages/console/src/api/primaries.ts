import { queryOptions } from "@tanstack/react-query";
import { requestJson } from "./client.ts";

/** A primary as the hub's list shows it; times are ISO 8601. */
export interface PrimarySummary {
  id: string;
  name: string;
  labels: Record<string, string>;
  groupId: string;
  priority: number;
  createdAt: string;
  connection: {
    state: "connected" | "disconnected" | "never";
    since: string | null;
    lastSeenAt: string | null;
    remoteAddress: string | null;
    closeCode: number | null;
    closeReason: string | null;
  };
}

export type ConnectionState = PrimarySummary["connection"]["state"];

/** A primary just enrolled: what the console needs of it. */
export interface EnrolledPrimary {
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
export async function enrolPrimary(name: string): Promise<EnrolledPrimary> {
  const answer = await requestJson<EnrolledPrimary>("/primaries", { method: "POST", body: { name } });
  return { id: answer.id, name: answer.name, detailsUrl: answer.detailsUrl };
}
