import type { Job } from "@sallyport/hub";
import { StatusBadge } from "./status-badge.tsx";

/** How a job stands: its state, and NetBackup's status code once it is done. */
export function JobStatus({ job }: { job: Pick<Job, "state" | "status"> }) {
  const { state, status } = job;
  if (state !== "DONE") return <StatusBadge standing="neutral">{state.toLowerCase()}</StatusBadge>;
  if (status === 0) return <StatusBadge standing="good">ok</StatusBadge>;
  if (status === 1) return <StatusBadge standing="warning">partial (1)</StatusBadge>;
  return <StatusBadge standing="bad">{`failed${status === null ? "" : ` (${status})`}`}</StatusBadge>;
}
