import type { Job } from "@sallyport/hub";
import { Stack, Text } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import type { DataTableColumn } from "mantine-datatable";
import { jobsQuery } from "../api/fleet.ts";
import { DataList } from "../components/data-list.tsx";
import { ChoiceFilter, FilterBar, TextFilter } from "../components/filter-bar.tsx";
import { JobStatus } from "../components/job-status.tsx";
import { Moment } from "../components/moment.tsx";
import { Page } from "../components/page.tsx";
import { PrimaryFilter } from "../components/primary-filter.tsx";
import { PrimaryLink } from "../components/primary-link.tsx";
import { useFilters } from "../use-filters.ts";

const names = ["status", "state", "type", "policy", "client", "primary", "sort"] as const;

const columns: DataTableColumn<Job>[] = [
  {
    accessor: "primaryName",
    title: "Primary",
    render: ({ primaryId, primaryName }) => <PrimaryLink id={primaryId} name={primaryName} />,
  },
  { accessor: "jobId", title: "Job", textAlign: "right" },
  {
    accessor: "parentJobId",
    title: "Part of",
    textAlign: "right",
    // NetBackup has a job without a parent be its own.
    render: ({ jobId, parentJobId }) => (parentJobId === jobId ? null : parentJobId),
  },
  { accessor: "jobType", title: "Type" },
  { accessor: "status", title: "Status", render: (job) => <JobStatus job={job} /> },
  { accessor: "policyName", title: "Policy" },
  { accessor: "clientName", title: "Client" },
  { accessor: "startTime", title: "Started", render: ({ startTime }) => <Moment iso={startTime} /> },
  { accessor: "updatedAt", title: "Last heard", render: ({ updatedAt }) => <Moment iso={updatedAt} /> },
];

/** Jobs of the whole fleet. */
export function JobsPage() {
  const [filters, set] = useFilters(names);
  const jobs = useInfiniteQuery(jobsQuery(filters));
  return (
    <Page title="Jobs">
      <Stack gap="md">
        <FilterBar>
          <ChoiceFilter
            label="Result"
            value={filters.status}
            onChange={(value) => set("status", value)}
            choices={[
              { value: "ok", label: "ok" },
              { value: "partial", label: "partial" },
              { value: "failed", label: "failed" },
            ]}
          />
          <ChoiceFilter
            label="State"
            value={filters.state}
            onChange={(value) => set("state", value)}
            choices={["QUEUED", "ACTIVE", "DONE"].map((value) => ({ value, label: value.toLowerCase() }))}
          />
          <TextFilter label="Policy" value={filters.policy} onChange={(value) => set("policy", value)} />
          <TextFilter label="Client" value={filters.client} onChange={(value) => set("client", value)} />
          <TextFilter
            label="Type"
            placeholder="BACKUP"
            value={filters.type}
            onChange={(value) => set("type", value)}
          />
          <ChoiceFilter
            label="Sorted by"
            value={filters.sort}
            onChange={(value) => set("sort", value)}
            none="Last started"
            choices={[
              { value: "startTime", label: "First started" },
              { value: "-updatedAt", label: "Last heard" },
              { value: "client", label: "Client" },
              { value: "policy", label: "Policy" },
            ]}
          />
        </FilterBar>
        <PrimaryFilter value={filters.primary} onChange={(value) => set("primary", value)} />
        <DataList
          what={["job", "jobs"]}
          list={jobs}
          columns={columns}
          idOf={({ primaryId, jobId }) => `${primaryId}/${jobId}`}
          empty={{
            title: "No job matches",
            description: "Jobs appear here as the primaries report them. Clear a filter to see more.",
          }}
        />
        <Text size="sm" c="dimmed">
          What is shown is what the primaries have reported; a job&apos;s details are on its primary.
        </Text>
      </Stack>
    </Page>
  );
}
