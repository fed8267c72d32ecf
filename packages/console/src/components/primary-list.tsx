import { Badge, DataList, Group, Paper, Stack, Table, Text, Title } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import type { PrimarySummary } from "../api/primaries.ts";
import { ConnectionBadge } from "./connection-badge.tsx";
import { Moment } from "./moment.tsx";
import { PrimaryLink } from "./primary-link.tsx";

/** The primaries: a table where there is room for one, else a card for each. */
export function PrimaryList({ primaries }: { primaries: readonly PrimarySummary[] }) {
  const wide = useMediaQuery("(min-width: 64em)", true, { getInitialValueInEffect: false });
  return wide ? <PrimaryTable primaries={primaries} /> : <PrimaryCards primaries={primaries} />;
}

function PrimaryTable({ primaries }: { primaries: readonly PrimarySummary[] }) {
  return (
    <Paper withBorder>
      <Table aria-label="Primaries" verticalSpacing="sm" horizontalSpacing="md">
        <Table.Thead>
          <Table.Tr>
            {["Name", "Connection", "Since", "Last seen", "Address", "Last close"].map((heading) => (
              <Table.Th key={heading} scope="col">
                {heading}
              </Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {primaries.map(({ id, name, labels, connection }) => (
            <Table.Tr key={id}>
              <Table.Th scope="row">
                <Stack gap={4}>
                  <PrimaryLink id={id} name={name} />
                  <Labels labels={labels} />
                </Stack>
              </Table.Th>
              <Table.Td>
                <ConnectionBadge state={connection.state} />
              </Table.Td>
              <Table.Td>
                <Moment iso={connection.since} />
              </Table.Td>
              <Table.Td>
                <Moment iso={connection.lastSeenAt} missing="never" />
              </Table.Td>
              <Table.Td>
                <Address connection={connection} />
              </Table.Td>
              <Table.Td>
                <LastClose connection={connection} />
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Paper>
  );
}

function PrimaryCards({ primaries }: { primaries: readonly PrimarySummary[] }) {
  return (
    <Stack component="ul" aria-label="Primaries" gap="sm" m={0} p={0} style={{ listStyle: "none" }}>
      {primaries.map(({ id, name, labels, connection }) => (
        <Paper key={id} component="li" withBorder p="md">
          <Stack gap="sm">
            <Group justify="space-between" gap="xs">
              <Title order={2} size="h5">
                <PrimaryLink id={id} name={name} />
              </Title>
              <ConnectionBadge state={connection.state} />
            </Group>
            <Labels labels={labels} />
            <DataList size="sm" gap="xs" labelWidth="6rem">
              <DataList.Item>
                <DataList.ItemLabel>Since</DataList.ItemLabel>
                <DataList.ItemValue>
                  <Moment iso={connection.since} />
                </DataList.ItemValue>
              </DataList.Item>
              <DataList.Item>
                <DataList.ItemLabel>Last seen</DataList.ItemLabel>
                <DataList.ItemValue>
                  <Moment iso={connection.lastSeenAt} missing="never" />
                </DataList.ItemValue>
              </DataList.Item>
              <DataList.Item>
                <DataList.ItemLabel>Address</DataList.ItemLabel>
                <DataList.ItemValue>
                  <Address connection={connection} />
                </DataList.ItemValue>
              </DataList.Item>
              <DataList.Item>
                <DataList.ItemLabel>Last close</DataList.ItemLabel>
                <DataList.ItemValue>
                  <LastClose connection={connection} />
                </DataList.ItemValue>
              </DataList.Item>
            </DataList>
          </Stack>
        </Paper>
      ))}
    </Stack>
  );
}

function Labels({ labels }: { labels: PrimarySummary["labels"] }) {
  const entries = Object.entries(labels);
  if (entries.length === 0) return null;
  return (
    <Group gap={4}>
      {entries.map(([key, value]) => (
        <Badge key={key} variant="default" size="sm" tt="none" fw={400} radius="sm">
          {key}={value}
        </Badge>
      ))}
    </Group>
  );
}

function Nothing() {
  return (
    <Text span inherit c="dimmed">
      –
    </Text>
  );
}

function Address({ connection }: { connection: PrimarySummary["connection"] }) {
  if (connection.remoteAddress === null) return <Nothing />;
  return (
    <Text span size="sm" ff="monospace" style={{ overflowWrap: "anywhere" }}>
      {connection.remoteAddress}
    </Text>
  );
}

function LastClose({ connection }: { connection: PrimarySummary["connection"] }) {
  const { closeCode, closeReason } = connection;
  if (closeCode === null && closeReason === null) return <Nothing />;
  return (
    <Text span size="sm" style={{ overflowWrap: "anywhere" }}>
      <Text span inherit ff="monospace">
        {closeCode}
      </Text>{" "}
      {closeReason}
    </Text>
  );
}
