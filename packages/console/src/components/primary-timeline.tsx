import type { TimelineEntry } from "@sallyport/hub";
import { Code, Stack, Text } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import type { DataTableColumn } from "mantine-datatable";
import { timelineQuery } from "../api/primary.ts";
import { DataList } from "./data-list.tsx";
import { Moment } from "./moment.tsx";
import { StatusBadge } from "./status-badge.tsx";

const columns: DataTableColumn<TimelineEntry>[] = [
  { accessor: "time", title: "When", render: ({ time }) => <Moment iso={time} /> },
  {
    accessor: "event",
    title: "What",
    render: ({ event }) => (
      <StatusBadge standing={event === "connected" ? "good" : event === "disconnected" ? "neutral" : "bad"}>
        {event.replace("_", " ")}
      </StatusBadge>
    ),
  },
  {
    accessor: "closeCode",
    title: "Why",
    render: ({ closeCode, closeReason, advice }) =>
      closeCode === null && closeReason === null && advice === null ? (
        "–"
      ) : (
        <Stack gap={2}>
          <Text size="sm">
            {closeCode} {closeReason}
          </Text>
          <Text size="xs" c="dimmed">
            {advice}
          </Text>
        </Stack>
      ),
  },
  { accessor: "cause", title: "Cause", render: ({ cause }) => cause?.replace("_", " ") ?? "–" },
  { accessor: "durationMs", title: "Lasted", render: ({ durationMs }) => durationText(durationMs) },
  { accessor: "remoteAddress", title: "Address" },
  {
    accessor: "trackingId",
    title: "Tracking id",
    render: ({ trackingId }) => (trackingId === null ? "–" : <Code>{trackingId}</Code>),
  },
];

function durationText(ms: number | null): string {
  if (ms === null) return "–";
  const seconds = Math.round(ms / 1000);
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`;
  return `${Math.round(seconds / 3_600)} h`;
}

/** What became of a primary's connections. */
export function PrimaryTimeline({ id }: { id: string }) {
  const timeline = useInfiniteQuery(timelineQuery(id));
  return (
    <DataList
      what={["event", "events"]}
      list={timeline}
      columns={columns}
      idOf={({ position }) => String(position)}
      empty={{ title: "It has not connected yet", description: "Add its endpoint on the primary." }}
    />
  );
}
