import type { PrimarySummary, PrimaryToken, TimelineEntry } from "@sallyport/hub";
import {
  Badge,
  Button,
  Code,
  DataList as Facts,
  Group,
  Modal,
  Stack,
  Tabs,
  Text,
  TextInput,
} from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import type { DataTableColumn } from "mantine-datatable";
import { useState } from "react";
import {
  endToken,
  primaryQuery,
  removePrimary,
  rotateToken,
  timelineQuery,
  tokensQuery,
  updatePrimary,
} from "../api/primary.ts";
import { primariesQuery } from "../api/primaries.ts";
import { ConfirmDialog } from "../components/confirm-dialog.tsx";
import { ConnectionBadge } from "../components/connection-badge.tsx";
import { DataList } from "../components/data-list.tsx";
import { Failure } from "../components/failure.tsx";
import { Moment } from "../components/moment.tsx";
import { Page } from "../components/page.tsx";
import { SecretOnce } from "../components/secret-once.tsx";
import { StatusBadge } from "../components/status-badge.tsx";

const route = getRouteApi("/signed-in/primaries/$id");
const overlapMs = 86_400_000;

/** One primary: its connection and what became of the earlier ones, its tokens. */
export function PrimaryPage() {
  const { id } = route.useParams();
  const primary = useQuery(primaryQuery(id));
  return (
    <Page title={primary.data?.name ?? "Primary"}>
      {primary.isLoadingError ? (
        <Failure
          title="The primary could not be read"
          error={primary.error}
          onRetry={() => void primary.refetch()}
          retrying={primary.isFetching}
        />
      ) : null}
      {primary.data === undefined ? null : <Shown primary={primary.data} />}
    </Page>
  );
}

function Shown({ primary }: { primary: PrimarySummary }) {
  const { id, name, labels, connection } = primary;
  return (
    <Stack gap="md">
      <Group gap="sm">
        <ConnectionBadge state={connection.state} />
        <Text size="sm" c="dimmed">
          last seen <Moment iso={connection.lastSeenAt} missing="never" />
        </Text>
        {Object.entries(labels).map(([label, value]) => (
          <Badge key={label} variant="default" size="sm" tt="none" fw={400} radius="sm">
            {label}={value}
          </Badge>
        ))}
      </Group>
      <Facts size="sm" gap="xs">
        <Facts.Item>
          <Facts.ItemLabel>Id</Facts.ItemLabel>
          <Facts.ItemValue>
            <Code>{id}</Code>
          </Facts.ItemValue>
        </Facts.Item>
        <Facts.Item>
          <Facts.ItemLabel>Address</Facts.ItemLabel>
          <Facts.ItemValue>{connection.remoteAddress ?? "–"}</Facts.ItemValue>
        </Facts.Item>
      </Facts>
      <Actions primary={primary} />
      <Tabs defaultValue="timeline" keepMounted={false}>
        <Tabs.List>
          <Tabs.Tab value="timeline">Connections</Tabs.Tab>
          <Tabs.Tab value="tokens">Tokens</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="timeline" pt="md">
          <Timeline id={id} />
        </Tabs.Panel>
        <Tabs.Panel value="tokens" pt="md">
          <Tokens id={id} name={name} />
        </Tabs.Panel>
      </Tabs>
    </Stack>
  );
}

function Actions({ primary: { id, name } }: { primary: PrimarySummary }) {
  const client = useQueryClient();
  const navigate = useNavigate();
  const [removing, removal] = useDisclosure(false);
  const [renaming, naming] = useDisclosure(false);
  const rotated = useMutation({ mutationFn: () => rotateToken(id, overlapMs), gcTime: 0 });
  const [typed, setTyped] = useState(name);
  const rename = useMutation({
    mutationFn: () => updatePrimary(id, { name: typed.trim() }),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: primariesQuery.queryKey });
      naming.close();
    },
  });
  return (
    <Group gap="sm">
      <Button variant="default" onClick={naming.open}>
        Rename
      </Button>
      <Button variant="default" loading={rotated.isPending} onClick={() => rotated.mutate()}>
        Rotate the token
      </Button>
      <Button color="red" variant="outline" onClick={removal.open}>
        Remove
      </Button>
      {rotated.isError ? <Failure title="The token was not rotated" error={rotated.error} /> : null}
      <Modal
        opened={rotated.isSuccess}
        onClose={() => rotated.reset()}
        title="A new token"
        size="lg"
        closeOnClickOutside={false}
        closeButtonProps={{ "aria-label": "Close" }}
        centered
      >
        <SecretOnce
          label="Details address"
          secret={rotated.data?.detailsUrl ?? ""}
          onDone={() => rotated.reset()}
        >
          It works once, within an hour: add the endpoint anew on the primary. The old token works for a day
          more, unless you end it under Tokens.
        </SecretOnce>
      </Modal>
      <Modal
        opened={renaming}
        onClose={naming.close}
        title={`Rename ${name}`}
        closeButtonProps={{ "aria-label": "Close" }}
        centered
      >
        <form
          onSubmit={(event) => {
            event.preventDefault();
            rename.mutate();
          }}
        >
          <Stack>
            <TextInput
              label="Name"
              value={typed}
              onChange={(event) => setTyped(event.currentTarget.value)}
              maxLength={128}
              required
              data-autofocus
            />
            {rename.isError ? <Failure title="It was not renamed" error={rename.error} /> : null}
            <Group justify="flex-end">
              <Button variant="default" onClick={naming.close}>
                Cancel
              </Button>
              <Button type="submit" loading={rename.isPending} disabled={typed.trim() === ""}>
                Rename
              </Button>
            </Group>
          </Stack>
        </form>
      </Modal>
      <ConfirmDialog
        opened={removing}
        onClose={removal.close}
        title={`Remove ${name}?`}
        action="Remove"
        onConfirm={async () => {
          await removePrimary(id);
          await navigate({ to: "/primaries" });
          await client.invalidateQueries({ queryKey: primariesQuery.queryKey });
        }}
      >
        Its tokens are void at once and its connection is cut. To have it back it has to be enrolled anew.
      </ConfirmDialog>
    </Group>
  );
}

const timelineColumns: DataTableColumn<TimelineEntry>[] = [
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
    render: ({ closeCode, closeReason, advice }) => (
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
  { accessor: "cause", title: "Cause", render: ({ cause }) => cause?.replace("_", " ") ?? "" },
  { accessor: "durationMs", title: "Lasted", render: ({ durationMs }) => durationText(durationMs) },
  { accessor: "remoteAddress", title: "Address" },
  {
    accessor: "trackingId",
    title: "Tracking id",
    render: ({ trackingId }) => (trackingId === null ? "" : <Code>{trackingId}</Code>),
  },
];

function durationText(ms: number | null): string {
  if (ms === null) return "";
  const seconds = Math.round(ms / 1000);
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`;
  return `${Math.round(seconds / 3_600)} h`;
}

function Timeline({ id }: { id: string }) {
  const timeline = useInfiniteQuery(timelineQuery(id));
  return (
    <DataList
      what="events"
      list={timeline}
      columns={timelineColumns}
      idOf={({ position }) => String(position)}
      empty={{ title: "It has not connected yet", description: "Add its endpoint on the primary." }}
    />
  );
}

function Tokens({ id, name }: { id: string; name: string }) {
  const query = tokensQuery(id);
  const tokens = useInfiniteQuery(query);
  const client = useQueryClient();
  const [ending, setEnding] = useState<PrimaryToken | null>(null);
  const columns: DataTableColumn<PrimaryToken>[] = [
    { accessor: "groupId", title: "Group" },
    { accessor: "priority", title: "Priority", textAlign: "right" },
    { accessor: "createdAt", title: "Made", render: ({ createdAt }) => <Moment iso={createdAt} /> },
    {
      accessor: "expiresAt",
      title: "Ends",
      render: ({ expiresAt }) => <Moment iso={expiresAt} missing="never" />,
    },
    {
      accessor: "lastUsedAt",
      title: "Last used",
      render: ({ lastUsedAt }) => <Moment iso={lastUsedAt} missing="never" />,
    },
    { accessor: "lastUsedFrom", title: "From" },
    {
      accessor: "actions",
      title: "",
      render: (token) => (
        <Button size="compact-xs" variant="default" onClick={() => setEnding(token)}>
          End it
        </Button>
      ),
    },
  ];
  return (
    <>
      <ConfirmDialog
        opened={ending !== null}
        onClose={() => setEnding(null)}
        title={`End this token of ${name}?`}
        action="End it"
        onConfirm={async () => {
          if (ending !== null) await endToken(id, ending.id);
          await client.invalidateQueries({ queryKey: query.queryKey });
        }}
      >
        The connection that uses it is cut at once.
      </ConfirmDialog>
      <DataList
        what="tokens"
        list={tokens}
        columns={columns}
        idOf={(token) => token.id}
        empty={{ title: "It has no token", description: "Rotate the token to make one." }}
      />
    </>
  );
}
