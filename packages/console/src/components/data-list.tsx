import {
  Alert,
  Button,
  DataList as Facts,
  EmptyState,
  Group,
  Paper,
  Skeleton,
  Stack,
  Text,
  VisuallyHidden,
} from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import type { InfiniteData, UseInfiniteQueryResult } from "@tanstack/react-query";
import { DataTable, type DataTableColumn } from "mantine-datatable";
import type { ReactNode } from "react";
import type { ListAnswer } from "../api/list.ts";
import { Failure } from "./failure.tsx";
import { WarningIcon } from "./icons.tsx";
import { Moment } from "./moment.tsx";

/** What a list holds, in words: `["job", "jobs"]`. */
export type Noun = readonly [one: string, many: string];

interface DataListProps<Item> {
  what: Noun;
  list: UseInfiniteQueryResult<InfiniteData<ListAnswer<Item>>>;
  columns: DataTableColumn<Item>[];
  idOf: (item: Item) => string;
  /** What to say when there is nothing, and what to do about it. */
  empty: { title: string; description: string; action?: ReactNode };
}

const actionsAccessor = "actions";

/** The column of an item's buttons: without a heading to see, but with one to hear. */
export function actionsColumn<Item>(render: (item: Item) => ReactNode): DataTableColumn<Item> {
  return {
    accessor: actionsAccessor,
    title: <VisuallyHidden>Actions</VisuallyHidden>,
    textAlign: "right",
    render,
  };
}

/** A list of the hub: loading, failure, nothing, out of date, and more on demand. */
export function DataList<Item>(props: DataListProps<Item>) {
  const { what, list, empty } = props;
  const many = what[1];
  if (list.isPending) return <Loading what={many} />;
  if (list.data === undefined) {
    return (
      <Failure
        title={`The ${many} could not be read`}
        error={list.error ?? new Error("The hub did not say why.")}
        onRetry={() => void list.refetch()}
        retrying={list.isFetching}
      />
    );
  }
  const items = list.data.pages.flatMap(({ data }) => data);
  return (
    <Stack gap="sm">
      {list.isRefetchError ? (
        <Alert color="yellow" icon={<WarningIcon />} title="What is shown here is out of date">
          It was read <Moment iso={new Date(list.dataUpdatedAt).toISOString()} />. {list.error.message} The
          console keeps trying.
        </Alert>
      ) : null}
      {items.length === 0 ? (
        <EmptyState py="xl" title={empty.title} description={empty.description}>
          {empty.action === undefined ? null : <EmptyState.Actions>{empty.action}</EmptyState.Actions>}
        </EmptyState>
      ) : (
        <>
          <Items {...props} label={many} items={items} />
          <More what={what} list={list} shown={items.length} />
        </>
      )}
    </Stack>
  );
}

interface ItemsProps<Item> extends Pick<DataListProps<Item>, "columns" | "idOf"> {
  /** What they are, for those who hear the page. */
  label: string;
  items: readonly Item[];
}

/** Items as a table where there is room for one, else as a card for each. */
export function Items<Item>(props: ItemsProps<Item>) {
  const wide = useMediaQuery("(min-width: 64em)", true, { getInitialValueInEffect: false });
  const { label, items, columns, idOf } = props;
  if (!wide) return <Cards {...props} />;
  return (
    <Paper withBorder style={{ overflow: "hidden" }}>
      <DataTable<Item>
        className="data-table"
        aria-label={label}
        records={[...items]}
        columns={columns}
        idAccessor={idOf}
        verticalSpacing="xs"
        horizontalSpacing="md"
      />
    </Paper>
  );
}

function Cards<Item>({ label, items, columns, idOf }: ItemsProps<Item>) {
  const facts = columns.filter(({ accessor }) => accessor !== actionsAccessor);
  const actions = columns.find(({ accessor }) => accessor === actionsAccessor);
  return (
    <Stack component="ul" aria-label={label} gap="sm" m={0} p={0} style={{ listStyle: "none" }}>
      {items.map((item, index) => (
        <Paper key={idOf(item)} component="li" withBorder p="md">
          <Stack gap="sm">
            <Facts size="sm" gap="xs" labelWidth="6.5rem">
              {facts.map((column) => (
                <Facts.Item key={String(column.accessor)}>
                  <Facts.ItemLabel>{column.title}</Facts.ItemLabel>
                  <Facts.ItemValue className="card-value">{cell(column, item, index)}</Facts.ItemValue>
                </Facts.Item>
              ))}
            </Facts>
            {actions === undefined ? null : <Group gap="xs">{cell(actions, item, index)}</Group>}
          </Stack>
        </Paper>
      ))}
    </Stack>
  );
}

function cell<Item>({ accessor, render }: DataTableColumn<Item>, item: Item, index: number): ReactNode {
  if (render !== undefined) return render(item, index);
  const value: unknown = item[accessor as keyof Item];
  return typeof value === "string" || typeof value === "number" ? value : "–";
}

function More<Item>({ what, list, shown }: Pick<DataListProps<Item>, "what" | "list"> & { shown: number }) {
  return (
    <Group gap="sm">
      <Text size="sm" c="dimmed" component="output">
        {shown} {shown === 1 ? what[0] : what[1]}
        {list.hasNextPage ? " so far" : ""}
      </Text>
      {list.hasNextPage ? (
        <Button
          variant="default"
          size="xs"
          loading={list.isFetchingNextPage}
          onClick={() => void list.fetchNextPage()}
        >
          Show more
        </Button>
      ) : null}
    </Group>
  );
}

function Loading({ what }: { what: string }) {
  return (
    <Stack gap="sm" component="output" aria-label={`Reading the ${what}`}>
      {[0, 1, 2, 3].map((line) => (
        <Skeleton key={line} height={44} />
      ))}
    </Stack>
  );
}
