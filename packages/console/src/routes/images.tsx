import type { Image } from "@sallyport/hub";
import { Stack } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import type { DataTableColumn } from "mantine-datatable";
import { imagesQuery } from "../api/fleet.ts";
import { DataList } from "../components/data-list.tsx";
import { ChoiceFilter, FilterBar, TextFilter } from "../components/filter-bar.tsx";
import { Moment } from "../components/moment.tsx";
import { Page } from "../components/page.tsx";
import { PrimaryFilter } from "../components/primary-filter.tsx";
import { PrimaryLink } from "../components/primary-link.tsx";
import { StatusBadge } from "../components/status-badge.tsx";
import { useFilters } from "../use-filters.ts";

const names = ["client", "deleted", "primary"] as const;

function ImageState({ image }: { image: Image }) {
  if (image.deleted) return <StatusBadge standing="bad">deleted</StatusBadge>;
  if (!image.hasLocalCopy) return <StatusBadge standing="warning">no local copy</StatusBadge>;
  return <StatusBadge standing="good">restorable</StatusBadge>;
}

const columns: DataTableColumn<Image>[] = [
  {
    accessor: "primaryName",
    title: "Primary",
    render: ({ primaryId, primaryName }) => <PrimaryLink id={primaryId} name={primaryName} />,
  },
  { accessor: "backupId", title: "Image" },
  { accessor: "clientName", title: "Client" },
  { accessor: "backupTime", title: "Made", render: ({ backupTime }) => <Moment iso={backupTime} /> },
  { accessor: "state", title: "State", render: (image) => <ImageState image={image} /> },
];

/** Backup images of the whole fleet. */
export function ImagesPage() {
  const [filters, set] = useFilters(names);
  const images = useInfiniteQuery(imagesQuery(filters));
  return (
    <Page title="Images">
      <Stack gap="md">
        <FilterBar>
          <TextFilter label="Client" value={filters.client} onChange={(value) => set("client", value)} />
          <ChoiceFilter
            label="Deleted ones"
            value={filters.deleted}
            onChange={(value) => set("deleted", value)}
            choices={[{ value: "true", label: "shown too" }]}
          />
        </FilterBar>
        <PrimaryFilter value={filters.primary} onChange={(value) => set("primary", value)} />
        <DataList
          what={["image", "images"]}
          list={images}
          columns={columns}
          idOf={({ primaryId, backupId }) => `${primaryId}/${backupId}`}
          empty={{
            title: "No image matches",
            description: "Images appear here as the primaries report them. Clear a filter to see more.",
          }}
        />
      </Stack>
    </Page>
  );
}
