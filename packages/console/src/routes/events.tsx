import { Alert, Code, EmptyState, Group, Paper, Stack, Text } from "@mantine/core";
import { DataTable, type DataTableColumn } from "mantine-datatable";
import { useEffect, useState } from "react";
import { requestJson } from "../api/client.ts";
import { followEvents, type FeedEvent } from "../api/events.ts";
import { ChoiceFilter, FilterBar } from "../components/filter-bar.tsx";
import { WarningIcon } from "../components/icons.tsx";
import { Moment } from "../components/moment.tsx";
import { Page } from "../components/page.tsx";
import { StatusBadge } from "../components/status-badge.tsx";
import { useFilters } from "../use-filters.ts";

/** Events that stay on the page; the oldest leave as new ones come. */
const shownEvents = 200;
const names = ["type"] as const;

const columns: DataTableColumn<FeedEvent>[] = [
  { accessor: "position", title: "Position", textAlign: "right" },
  { accessor: "time", title: "Stored", render: ({ time }) => <Moment iso={time} /> },
  { accessor: "type", title: "Type", render: ({ type }) => <Code>{type}</Code> },
  { accessor: "source", title: "From" },
  { accessor: "subject", title: "About" },
];

/** What the hub stores, as it happens. */
export function EventsPage() {
  const [filters, set] = useFilters(names);
  return (
    <Page title="Events">
      <Stack gap="md">
        <FilterBar>
          <ChoiceFilter
            label="Type"
            value={filters.type}
            onChange={(value) => set("type", value)}
            choices={[
              { value: "netbackup.job", label: "jobs" },
              { value: "netbackup.image", label: "images" },
              { value: "sallyport.connection", label: "connections" },
              { value: "sallyport.alert", label: "alerts" },
            ]}
          />
        </FilterBar>
        <Live key={filters.type} type={filters.type} />
      </Stack>
    </Page>
  );
}

function Live({ type }: { type: string }) {
  const [events, setEvents] = useState<readonly FeedEvent[]>([]);
  const [isLive, setLive] = useState(false);
  const [missed, setMissed] = useState("");
  useEffect(() => {
    const leaving = new AbortController();
    const begin = async () => {
      const end = await endOfFeed(leaving.signal);
      if (leaving.signal.aborted) return;
      const close = followEvents(Math.max(0, end - shownEvents), type, {
        event: (event) => setEvents((old) => [event, ...old].slice(0, shownEvents)),
        live: setLive,
        missed: setMissed,
      });
      leaving.signal.addEventListener("abort", close);
    };
    // Without the end the hub can't be reached; the page says "not connected" until it is opened again.
    begin().catch(() => setLive(false));
    return () => leaving.abort();
  }, [type]);
  return (
    <Stack gap="sm">
      <Group gap="sm">
        <StatusBadge standing={isLive ? "good" : "warning"}>
          {isLive ? "live" : "not connected, trying again"}
        </StatusBadge>
        <Text size="sm" c="dimmed" component="output">
          the last {events.length} events
        </Text>
      </Group>
      {missed === "" ? null : (
        <Alert color="yellow" icon={<WarningIcon />} title="Some events are gone">
          The hub does not keep them any more: {missed}
        </Alert>
      )}
      {events.length === 0 ? (
        <EmptyState
          py="xl"
          title="Nothing has happened yet"
          description="Jobs, images and connections appear here as the hub stores them."
        />
      ) : (
        <Paper withBorder style={{ overflow: "hidden" }}>
          <DataTable
            aria-label="events"
            records={[...events]}
            columns={columns}
            idAccessor="position"
            verticalSpacing="xs"
            horizontalSpacing="md"
          />
        </Paper>
      )}
    </Stack>
  );
}

/** The newest position: a page after any position that is not reached ends there. */
async function endOfFeed(signal: AbortSignal): Promise<number> {
  const { last } = await requestJson<{ last: number }>("/notifications?limit=1", { signal });
  return last;
}
