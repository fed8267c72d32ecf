import type { Image, Job, JobSummary, LastGoodBackup, PrimaryWithoutBackup } from "@sallyport/hub";
import { queryOptions } from "@tanstack/react-query";
import { requestJson } from "./client.ts";
import { listQuery, type ListParameters } from "./list.ts";

/** How often the counts are read again, ms. */
const refreshIntervalMs = 10_000;

/** Jobs across the primaries. */
export const jobsQuery = (filters: ListParameters) => listQuery<Job>("/jobs", filters);
/** Images across the primaries. */
export const imagesQuery = (filters: ListParameters) => listQuery<Image>("/images", filters);
/** The last good backup of every client and policy. */
export const lastGoodQuery = (filters: ListParameters) =>
  listQuery<LastGoodBackup>("/backups/last-good", filters);
/** Primaries without any good backup for some hours. */
export const withoutBackupQuery = (hours: string) =>
  listQuery<PrimaryWithoutBackup>("/backups/silent-primaries", { hours });

/** How many jobs stand how, over the last 24 hours. */
export const jobSummaryQuery = queryOptions({
  queryKey: ["/jobs/summary"],
  queryFn: ({ signal }) => requestJson<JobSummary>("/jobs/summary", { signal }),
  refetchInterval: refreshIntervalMs,
});
