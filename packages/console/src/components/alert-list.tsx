import type { Alert as MissedEvent } from "@sallyport/hub";
import { Button, Stack, Text } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import type { DataTableColumn } from "mantine-datatable";
import { useState } from "react";
import { alertsQuery } from "../api/alerts.ts";
import { useAccess } from "../use-access.ts";
import { useFilters } from "../use-filters.ts";
import { AcknowledgeDialog } from "./acknowledge-dialog.tsx";
import { actionsColumn, DataList } from "./data-list.tsx";
import { ChoiceFilter, FilterBar } from "./filter-bar.tsx";
import { Moment } from "./moment.tsx";
import { PrimaryLink } from "./primary-link.tsx";
import { StatusBadge } from "./status-badge.tsx";

const names = ["state", "kind"] as const;

const columns: DataTableColumn<MissedEvent>[] = [
  { accessor: "raisedAt", title: "Since", render: ({ raisedAt }) => <Moment iso={raisedAt} /> },
  {
    accessor: "primaryName",
    title: "Primary",
    render: ({ primaryId, primaryName }) =>
      primaryId === null ? "the hub" : <PrimaryLink id={primaryId} name={primaryName ?? primaryId} />,
  },
  {
    accessor: "message",
    title: "What",
    render: ({ message, advice }) => (
      <Stack gap={2}>
        <Text size="sm">{message}</Text>
        <Text size="xs" c="dimmed">
          {advice}
        </Text>
      </Stack>
    ),
  },
  { accessor: "state", title: "State", render: (alert) => <AlertState alert={alert} /> },
];

/** What should have happened and did not. */
export function AlertList() {
  const { may } = useAccess();
  const [filters, set] = useFilters(names);
  const alerts = useInfiniteQuery(alertsQuery(filters));
  const [chosen, setChosen] = useState<MissedEvent | null>(null);
  const actions = actionsColumn<MissedEvent>((alert) =>
    alert.resolvedAt === null ? (
      <Button
        size="compact-xs"
        variant="default"
        onClick={() => setChosen(alert)}
        aria-label={`${alert.acknowledgedAt === null ? "Acknowledge" : "Mute"}: ${alert.message}`}
      >
        {alert.acknowledgedAt === null ? "Acknowledge" : "Mute"}
      </Button>
    ) : null,
  );
  return (
    <Stack gap="sm">
      <AcknowledgeDialog alert={chosen} onClose={() => setChosen(null)} />
      <FilterBar>
        <ChoiceFilter
          label="Shown"
          value={filters.state}
          onChange={(value) => set("state", value)}
          none="open"
          choices={[
            { value: "resolved", label: "resolved" },
            { value: "all", label: "all" },
          ]}
        />
        <ChoiceFilter
          label="Kind"
          value={filters.kind}
          onChange={(value) => set("kind", value)}
          choices={[
            { value: "no_good_backup", label: "no good backup" },
            { value: "primary_silent", label: "primary silent" },
            { value: "notifications_missing", label: "notifications missing" },
            { value: "inbox_behind", label: "inbox behind" },
          ]}
        />
      </FilterBar>
      <DataList
        what={["alert", "alerts"]}
        list={alerts}
        columns={may("operator") ? [...columns, actions] : columns}
        idOf={({ id }) => id}
        empty={
          filters.state === ""
            ? { title: "Nothing is missing", description: "What is watched for has happened in time." }
            : { title: "No such alert", description: "None of those that the hub keeps is like this." }
        }
      />
    </Stack>
  );
}

function AlertState({ alert }: { alert: MissedEvent }) {
  const { resolvedAt, acknowledgedBy, mutedUntil } = alert;
  if (resolvedAt !== null) return <StatusBadge standing="good">resolved</StatusBadge>;
  if (acknowledgedBy === null) return <StatusBadge standing="bad">open</StatusBadge>;
  return (
    <Stack gap={2} align="flex-start">
      <StatusBadge standing="warning">acknowledged</StatusBadge>
      <Text size="xs" c="dimmed">
        by {acknowledgedBy}
        {mutedUntil === null ? null : (
          <>
            , muted: ends <Moment iso={mutedUntil} />
          </>
        )}
      </Text>
    </Stack>
  );
}
