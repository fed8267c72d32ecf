import type { LastGoodBackup, PrimaryWithoutBackup } from "@sallyport/hub";
import { Stack, Title } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import type { DataTableColumn } from "mantine-datatable";
import { lastGoodQuery, withoutBackupQuery } from "../api/fleet.ts";
import { DataList } from "../components/data-list.tsx";
import { ChoiceFilter, FilterBar, TextFilter } from "../components/filter-bar.tsx";
import { Moment } from "../components/moment.tsx";
import { Page } from "../components/page.tsx";
import { PrimaryFilter } from "../components/primary-filter.tsx";
import { PrimaryLink } from "../components/primary-link.tsx";
import { StatusBadge } from "../components/status-badge.tsx";
import { useFilters } from "../use-filters.ts";

const names = ["missingForHours", "policy", "client", "primary"] as const;

const lastGoodColumns: DataTableColumn<LastGoodBackup>[] = [
  {
    accessor: "primaryName",
    title: "Primary",
    render: ({ primaryId, primaryName }) => <PrimaryLink id={primaryId} name={primaryName} />,
  },
  { accessor: "clientName", title: "Client" },
  { accessor: "policyName", title: "Policy" },
  {
    accessor: "lastGoodAt",
    title: "Last good backup",
    render: ({ lastGoodAt }) => <Moment iso={lastGoodAt} missing="never" />,
  },
  { accessor: "lastStatus", title: "The last one", render: (backup) => <LastStatus backup={backup} /> },
];

const withoutColumns: DataTableColumn<PrimaryWithoutBackup>[] = [
  {
    accessor: "primaryName",
    title: "Primary",
    render: ({ primaryId, primaryName }) => <PrimaryLink id={primaryId} name={primaryName} />,
  },
  {
    accessor: "lastGoodAt",
    title: "Last good backup",
    render: ({ lastGoodAt }) => <Moment iso={lastGoodAt} missing="never" />,
  },
];

function LastStatus({ backup: { lastStatus } }: { backup: LastGoodBackup }) {
  if (lastStatus === null) return <StatusBadge standing="neutral">none ended yet</StatusBadge>;
  if (lastStatus === 0) return <StatusBadge standing="good">ok</StatusBadge>;
  if (lastStatus === 1) return <StatusBadge standing="warning">partial (1)</StatusBadge>;
  return <StatusBadge standing="bad">{`failed (${lastStatus})`}</StatusBadge>;
}

/** The last good backup of everything, and what has none. */
export function BackupsPage() {
  const [filters, set] = useFilters(names);
  const backups = useInfiniteQuery(lastGoodQuery(filters));
  const hours = filters.missingForHours === "" ? "26" : filters.missingForHours;
  return (
    <Page title="Backups">
      <Stack gap="md">
        <FilterBar>
          <ChoiceFilter
            label="Without a good one for"
            value={filters.missingForHours}
            onChange={(value) => set("missingForHours", value)}
            none="any time"
            choices={[
              { value: "26", label: "26 hours" },
              { value: "50", label: "50 hours" },
              { value: "170", label: "a week" },
            ]}
          />
          <TextFilter label="Policy" value={filters.policy} onChange={(value) => set("policy", value)} />
          <TextFilter label="Client" value={filters.client} onChange={(value) => set("client", value)} />
        </FilterBar>
        <PrimaryFilter value={filters.primary} onChange={(value) => set("primary", value)} />
        <DataList
          what={["backup", "backups"]}
          list={backups}
          columns={lastGoodColumns}
          idOf={({ primaryId, clientName, policyName }) => `${primaryId}/${clientName}/${policyName}`}
          empty={{
            title: filters.missingForHours === "" ? "No backup is known yet" : "Nothing is missing",
            description: "Each client and policy appears here with its first backup job that has ended.",
          }}
        />
        {filters.primary === "" ? <WithoutBackup hours={hours} /> : null}
      </Stack>
    </Page>
  );
}

function WithoutBackup({ hours }: { hours: string }) {
  const without = useInfiniteQuery(withoutBackupQuery(hours));
  return (
    <>
      <Title order={2} size="h4">
        Primaries without any good backup for {hours} hours
      </Title>
      <DataList
        what={["primary", "primaries"]}
        list={without}
        columns={withoutColumns}
        idOf={({ primaryId }) => primaryId}
        empty={{
          title: "Every primary has had one",
          description: "A primary appears here when none of its backups went well for so long.",
        }}
      />
    </>
  );
}
