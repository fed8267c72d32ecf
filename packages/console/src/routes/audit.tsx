import type { AuditItem } from "@sallyport/hub";
import { Stack, Text } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import type { DataTableColumn } from "mantine-datatable";
import { auditQuery } from "../api/access.ts";
import { DataList } from "../components/data-list.tsx";
import { FilterBar, TextFilter } from "../components/filter-bar.tsx";
import { Moment } from "../components/moment.tsx";
import { Page } from "../components/page.tsx";
import { StatusBadge } from "../components/status-badge.tsx";
import { useFilters } from "../use-filters.ts";

const names = ["action", "target", "result"] as const;

const columns: DataTableColumn<AuditItem>[] = [
  { accessor: "time", title: "When", render: ({ time }) => <Moment iso={time} /> },
  { accessor: "actor", title: "Who", render: ({ actor }) => actor?.name ?? "the hub" },
  { accessor: "from", title: "From" },
  {
    accessor: "action",
    title: "What",
    render: ({ action }) => (
      <Text span size="sm" ff="monospace" style={{ overflowWrap: "anywhere" }}>
        {action}
      </Text>
    ),
  },
  { accessor: "target", title: "On" },
  {
    accessor: "result",
    title: "Result",
    render: ({ result, status }) => (
      <StatusBadge standing={standingOf(result, status)}>
        {status === null ? result : `${result} (${status})`}
      </StatusBadge>
    ),
  },
];

function standingOf(result: string, status: number | null) {
  if (result === "started") return "neutral";
  return (result === "done" || result === "answered") && (status ?? 0) < 400 ? "good" : "bad";
}

/** Who did what, from where, and how it ended. */
export function AuditPage() {
  const [filters, set] = useFilters(names);
  const entries = useInfiniteQuery(auditQuery(filters));
  return (
    <Page title="Audit">
      <Stack gap="md">
        <FilterBar>
          <TextFilter
            label="What begins with"
            placeholder="command DELETE"
            value={filters.action}
            onChange={(value) => set("action", value)}
          />
          <TextFilter
            label="On"
            placeholder="/primaries/…"
            value={filters.target}
            onChange={(value) => set("target", value)}
          />
          <TextFilter
            label="Result"
            placeholder="forbidden"
            value={filters.result}
            onChange={(value) => set("result", value)}
          />
        </FilterBar>
        <DataList
          what={["entry", "entries"]}
          list={entries}
          columns={columns}
          idOf={({ position }) => String(position)}
          empty={{
            title: "No entry matches",
            description: "Every change and every command is written down here.",
          }}
        />
      </Stack>
    </Page>
  );
}
