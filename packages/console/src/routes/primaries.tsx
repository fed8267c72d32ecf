import { Button, Code, Group, Stack, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { primariesQuery, primariesSummaryQuery } from "../api/primaries.ts";
import { DataList } from "../components/data-list.tsx";
import { EnrolDialog } from "../components/enrol-dialog.tsx";
import { ChoiceFilter, FilterBar, TextFilter } from "../components/filter-bar.tsx";
import { PlusIcon } from "../components/icons.tsx";
import { Page } from "../components/page.tsx";
import { primaryColumns } from "../components/primary-list.tsx";
import { stateNames } from "../connection-states.ts";
import { useAccess } from "../use-access.ts";
import { useFilters } from "../use-filters.ts";

const names = ["q", "label", "state", "sort"] as const;

/** Every primary that is enrolled, and how its connection does. */
export function PrimariesPage() {
  const { may, seesWholeHub } = useAccess();
  const mayEnrol = may("administrator") && seesWholeHub;
  const [filters, set, clear] = useFilters(names);
  const primaries = useInfiniteQuery(primariesQuery({ ...filters, label: labelsOf(filters.label) }));
  const [enrolling, { open, close }] = useDisclosure(false);
  const isFiltered = filters.q !== "" || filters.label !== "" || filters.state !== "";
  return (
    <Page
      title="Primaries"
      actions={
        mayEnrol ? (
          <Button leftSection={<PlusIcon />} onClick={open}>
            Enrol a primary
          </Button>
        ) : null
      }
    >
      <EnrolDialog opened={enrolling} onClose={close} />
      <Stack gap="md">
        <FilterBar>
          <TextFilter label="Name has" value={filters.q} onChange={(value) => set("q", value)} />
          <TextFilter
            label="Labels"
            placeholder="site=vienna"
            value={filters.label}
            onChange={(value) => set("label", value)}
          />
          <ChoiceFilter
            label="Connection"
            value={filters.state}
            onChange={(value) => set("state", value)}
            choices={Object.entries(stateNames).map(([value, label]) => ({ value, label }))}
          />
          <ChoiceFilter
            label="Sorted by"
            value={filters.sort}
            onChange={(value) => set("sort", value)}
            none="Name"
            choices={[
              { value: "lastSeenAt", label: "Longest unseen first" },
              { value: "-lastSeenAt", label: "Last seen first" },
              { value: "-createdAt", label: "Newest first" },
            ]}
          />
        </FilterBar>
        <Counts q={filters.q} label={filters.label} />
        <DataList
          what={["primary", "primaries"]}
          list={primaries}
          columns={primaryColumns}
          idOf={({ id }) => id}
          empty={
            isFiltered
              ? {
                  title: "No primary matches the filters",
                  description: "Labels are given whole, as NAME=VALUE; of the name a part is enough.",
                  action: (
                    <Button variant="default" onClick={clear}>
                      Clear the filters
                    </Button>
                  ),
                }
              : {
                  title: "No primary is enrolled yet",
                  description: "A primary is a backup server behind a firewall that dials in to this hub.",
                  action: mayEnrol ? (
                    <Text size="sm" ta="center">
                      Use “Enrol a primary” above, or on the command line{" "}
                      <Code>sallyport primaries add NAME</Code>
                    </Text>
                  ) : (
                    <Text size="sm">An administrator of the whole hub can enrol one.</Text>
                  ),
                }
          }
        />
      </Stack>
    </Page>
  );
}

/** `site=vienna tier=gold` as the hub takes it: `site:vienna`, `tier:gold`. */
function labelsOf(typed: string): string[] {
  return typed
    .split(/[\s,]+/)
    .filter((pair) => pair !== "")
    .map((pair) => pair.replace("=", ":"));
}

function Counts({ q, label }: { q: string; label: string }) {
  const { data } = useQuery(primariesSummaryQuery({ q, label: labelsOf(label) }));
  if (data === undefined) return null;
  const { total, connected, stale, disconnected, never } = data;
  const others = [
    stale === 0 ? "" : `${stale} not answering`,
    disconnected === 0 ? "" : `${disconnected} disconnected`,
    never === 0 ? "" : `${never} never connected`,
  ].filter((part) => part !== "");
  return (
    <Group gap="sm">
      <Text size="sm" c="dimmed" component="output">
        {[`${total} ${total === 1 ? "primary" : "primaries"}`, `${connected} connected`, ...others].join(
          ", ",
        )}
      </Text>
    </Group>
  );
}
