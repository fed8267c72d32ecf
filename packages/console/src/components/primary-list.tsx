import { Stack, Text } from "@mantine/core";
import type { DataTableColumn } from "mantine-datatable";
import type { PrimarySummary } from "../api/primaries.ts";
import { ConnectionBadge } from "./connection-badge.tsx";
import { Labels } from "./labels.tsx";
import { Moment } from "./moment.tsx";
import { PrimaryLink } from "./primary-link.tsx";
import { StatusBadge } from "./status-badge.tsx";

/** What is shown of each primary in a list. */
export const primaryColumns: DataTableColumn<PrimarySummary>[] = [
  {
    accessor: "name",
    title: "Name",
    render: ({ id, name, labels, warnings }) => (
      <Stack gap={4} align="flex-start">
        <PrimaryLink id={id} name={name} />
        <Labels labels={labels} />
        {warnings.length === 0 ? null : <StatusBadge standing="warning">token shared</StatusBadge>}
      </Stack>
    ),
  },
  {
    accessor: "state",
    title: "Connection",
    render: ({ connection }) => <ConnectionBadge state={connection.state} />,
  },
  { accessor: "since", title: "Since", render: ({ connection }) => <Moment iso={connection.since} /> },
  {
    accessor: "lastSeenAt",
    title: "Last seen",
    render: ({ connection }) => <Moment iso={connection.lastSeenAt} missing="never" />,
  },
  {
    accessor: "remoteAddress",
    title: "Address",
    noWrap: true,
    render: ({ connection }) => <Address address={connection.remoteAddress} />,
  },
  {
    accessor: "closeReason",
    title: "Last close",
    render: ({ connection }) => <LastClose connection={connection} />,
  },
];

function Nothing() {
  return (
    <Text span inherit c="dimmed">
      –
    </Text>
  );
}

function Address({ address }: { address: string | null }) {
  if (address === null) return <Nothing />;
  return (
    <Text span size="sm" ff="monospace">
      {address}
    </Text>
  );
}

function LastClose({ connection }: { connection: PrimarySummary["connection"] }) {
  const { closeCode, closeReason } = connection;
  if (closeCode === null && closeReason === null) return <Nothing />;
  return (
    <Text span size="sm">
      <Text span inherit ff="monospace">
        {closeCode}
      </Text>{" "}
      {closeReason}
    </Text>
  );
}
