import { Alert, Button, Code, EmptyState, Group, Modal, Skeleton, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import type { DataTableColumn } from "mantine-datatable";
import { useEffect, useState } from "react";
import { requestJson } from "../api/client.ts";
import { followEvents, type FeedEvent } from "../api/events.ts";
import { primaryNamesQuery } from "../api/primaries.ts";
import { actionsColumn, Items } from "../components/data-list.tsx";
import { Failure } from "../components/failure.tsx";
import { ChoiceFilter, FilterBar } from "../components/filter-bar.tsx";
import { WarningIcon } from "../components/icons.tsx";
import { Moment } from "../components/moment.tsx";
import { Page } from "../components/page.tsx";
import { PrimaryLink } from "../components/primary-link.tsx";
import { StatusBadge } from "../components/status-badge.tsx";
import { useFilters } from "../use-filters.ts";

/** Events that stay on the page; the oldest leave as new ones come. */
const shownEvents = 200;
const names = ["type"] as const;

const columns: DataTableColumn<FeedEvent>[] = [
  { accessor: "position", title: "Position", textAlign: "right" },
  { accessor: "time", title: "Stored", render: ({ time }) => <Moment iso={time} /> },
  { accessor: "type", title: "Type", noWrap: true, render: ({ type }) => <Code>{type}</Code> },
  { accessor: "source", title: "From", render: ({ source }) => <Source source={source} /> },
  {
    accessor: "subject",
    title: "About",
    render: ({ subject, source }) => (subject === source ? "itself" : subject),
  },
];

/** Who an event is from: a primary by its name, or the hub. */
function Source({ source }: { source: string }) {
  const { data } = useQuery(primaryNamesQuery);
  const id = /^\/primaries\/([^/]+)$/.exec(source)?.[1];
  return id === undefined ? source : <PrimaryLink id={id} name={data?.get(id) ?? id} />;
}

/** What the hub stores, as it happens. */
export function EventsPage() {
  const [filters, set] = useFilters(names);
  const [attempt, setAttempt] = useState(0);
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
              { value: "sallyport.primary", label: "primaries" },
              { value: "sallyport.alert", label: "alerts" },
              { value: "sallyport.command", label: "commands" },
              { value: "sallyport.webhook", label: "webhooks" },
            ]}
          />
        </FilterBar>
        <Live
          key={`${filters.type} ${attempt}`}
          type={filters.type}
          onRetry={() => setAttempt((old) => old + 1)}
        />
      </Stack>
    </Page>
  );
}

/** How a stream stands: being opened, standing, or lost and opened again. */
type StreamState = "opening" | "live" | "lost";

function Live({ type, onRetry }: { type: string; onRetry: () => void }) {
  const [events, setEvents] = useState<readonly FeedEvent[]>([]);
  const [state, setState] = useState<StreamState>("opening");
  const [failure, setFailure] = useState<Error | null>(null);
  const [missed, setMissed] = useState("");
  const [shown, setShown] = useState<FeedEvent | null>(null);
  useEffect(() => {
    const leaving = new AbortController();
    const begin = async () => {
      const end = await endOfFeed(leaving.signal);
      if (leaving.signal.aborted) return;
      const close = followEvents(Math.max(0, end - shownEvents), type, {
        event: (event) => setEvents((old) => [event, ...old].slice(0, shownEvents)),
        live: (isLive) => setState(isLive ? "live" : "lost"),
        missed: setMissed,
      });
      leaving.signal.addEventListener("abort", close);
    };
    begin().catch((error: unknown) => {
      if (!leaving.signal.aborted) setFailure(error instanceof Error ? error : new Error(String(error)));
    });
    return () => leaving.abort();
  }, [type]);
  if (failure !== null) {
    return <Failure title="The events could not be read" error={failure} onRetry={onRetry} />;
  }
  if (state === "opening") {
    return <Skeleton height={160} component="output" aria-label="Reading the events" />;
  }
  const actions = actionsColumn<FeedEvent>((event) => (
    <Button
      size="compact-xs"
      variant="default"
      onClick={() => setShown(event)}
      aria-label={`Show event ${event.position}`}
    >
      Show
    </Button>
  ));
  return (
    <Stack gap="sm">
      <EventDialog event={shown} onClose={() => setShown(null)} />
      <Group gap="sm">
        <StatusBadge standing={state === "live" ? "good" : "warning"}>
          {state === "live" ? "live" : "not connected, trying again"}
        </StatusBadge>
        <Text size="sm" c="dimmed">
          {events.length === 1 ? "the last event" : `the last ${events.length} events`}, newest first
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
          title="Nothing has happened lately"
          description="Jobs, images and connections appear here as the hub stores them."
        />
      ) : (
        <Items
          label="events"
          items={events}
          columns={[...columns, actions]}
          idOf={({ position }) => String(position)}
        />
      )}
    </Stack>
  );
}

/** All of one event, as programs get it. */
function EventDialog({ event, onClose }: { event: FeedEvent | null; onClose: () => void }) {
  return (
    <Modal opened={event !== null} onClose={onClose} title={`Event ${event?.position ?? ""}`} size="lg">
      <Code block style={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}>
        {JSON.stringify(event, null, 2)}
      </Code>
    </Modal>
  );
}

/** The newest position: a page after any position that is not reached ends there. */
async function endOfFeed(signal: AbortSignal): Promise<number> {
  const { last } = await requestJson<{ last: number }>("/notifications?limit=1", { signal });
  return last;
}
