import type { StoredCommand } from "@sallyport/hub";
import { Button, Stack, Text } from "@mantine/core";
import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import type { DataTableColumn } from "mantine-datatable";
import { cancelCommand, commandsQuery } from "../api/commands.ts";
import { useAccess } from "../use-access.ts";
import { actionsColumn, DataList } from "./data-list.tsx";
import { Failure } from "./failure.tsx";
import { Moment } from "./moment.tsx";
import { StatusBadge, type Standing } from "./status-badge.tsx";

const standings: Record<StoredCommand["state"], Standing> = {
  queued: "neutral",
  sent: "neutral",
  done: "good",
  failed: "bad",
  expired: "bad",
  cancelled: "warning",
  unknown: "warning",
};

const columns: DataTableColumn<StoredCommand>[] = [
  { accessor: "createdAt", title: "Ordered", render: ({ createdAt }) => <Moment iso={createdAt} /> },
  { accessor: "createdBy", title: "By" },
  {
    accessor: "path",
    title: "Command",
    render: ({ method, path }) => (
      <Text span size="sm" ff="monospace">
        {method} {path}
      </Text>
    ),
  },
  {
    accessor: "state",
    title: "State",
    render: ({ state, error, mayHaveBeenExecuted, finishedAt }) => (
      <Stack gap={2} align="flex-start">
        <StatusBadge standing={standings[state]}>{state}</StatusBadge>
        {error === null ? null : (
          <Text size="xs" c="dimmed">
            {error.replaceAll("_", " ")}
            {mayHaveBeenExecuted && finishedAt !== null ? "; it may have been executed" : ""}
          </Text>
        )}
      </Stack>
    ),
  },
  {
    accessor: "finishedAt",
    title: "Ended",
    render: ({ finishedAt }) => <Moment iso={finishedAt} missing="not yet" />,
  },
  { accessor: "expiresAt", title: "Kept until", render: ({ expiresAt }) => <Moment iso={expiresAt} /> },
];

/** Commands that the hub keeps for a primary until it is there. */
export function PrimaryCommands({ id }: { id: string }) {
  const { may } = useAccess();
  const commands = useInfiniteQuery(commandsQuery(id));
  const client = useQueryClient();
  const cancel = useMutation({
    mutationFn: (command: StoredCommand) => cancelCommand(command.id),
    onSettled: () => client.invalidateQueries({ queryKey: ["/commands"] }),
  });
  const actions = actionsColumn<StoredCommand>((command) =>
    command.state === "queued" ? (
      <Button
        size="compact-xs"
        variant="default"
        loading={cancel.isPending && cancel.variables.id === command.id}
        onClick={() => cancel.mutate(command)}
        aria-label={`Cancel ${command.method} ${command.path}`}
      >
        Cancel
      </Button>
    ) : null,
  );
  return (
    <Stack gap="sm">
      {cancel.isError ? <Failure title="It was not cancelled" error={cancel.error} /> : null}
      <DataList
        what={["command", "commands"]}
        list={commands}
        columns={may("operator") ? [...columns, actions] : columns}
        idOf={(command) => command.id}
        empty={{
          title: "No command is kept",
          description:
            "Commands that were ordered with “Prefer: respond-async” wait here until the primary is connected, and are sent once.",
        }}
      />
    </Stack>
  );
}
