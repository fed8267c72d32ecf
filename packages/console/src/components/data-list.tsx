import { Alert, Button, EmptyState, Group, Paper, Skeleton, Stack, Text } from "@mantine/core";
import type { InfiniteData, UseInfiniteQueryResult } from "@tanstack/react-query";
import { DataTable, type DataTableColumn } from "mantine-datatable";
import type { ReactNode } from "react";
import type { ListAnswer } from "../api/list.ts";
import { Failure } from "./failure.tsx";
import { WarningIcon } from "./icons.tsx";
import { Moment } from "./moment.tsx";

interface DataListProps<Item> {
  /** What the list holds, in the plural, for screen readers and texts: "jobs". */
  what: string;
  list: UseInfiniteQueryResult<InfiniteData<ListAnswer<Item>>>;
  columns: DataTableColumn<Item>[];
  idOf: (item: Item) => string;
  /** What to say when there is nothing, and what to do about it. */
  empty: { title: string; description: string; action?: ReactNode };
  /** Shows one item; rows then react to a click. A link or button in the row has to do the same for the keyboard. */
  onOpen?: (item: Item) => void;
}

/** A list of the hub as a table: loading, failure, nothing, out of date, and more on demand. */
export function DataList<Item>(props: DataListProps<Item>) {
  const { what, list, columns, idOf, empty, onOpen } = props;
  if (list.isPending) return <Loading what={what} />;
  if (list.data === undefined) {
    return (
      <Failure
        title={`The ${what} could not be read`}
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
        <Paper withBorder style={{ overflow: "hidden" }}>
          <DataTable<Item>
            aria-label={what}
            records={items}
            columns={columns}
            idAccessor={idOf}
            verticalSpacing="xs"
            horizontalSpacing="md"
            highlightOnHover={onOpen !== undefined}
            {...(onOpen === undefined ? {} : { onRowClick: ({ record }) => onOpen(record) })}
          />
        </Paper>
      )}
      {items.length === 0 ? null : <More what={what} list={list} shown={items.length} />}
    </Stack>
  );
}

function More<Item>({ what, list, shown }: Pick<DataListProps<Item>, "what" | "list"> & { shown: number }) {
  return (
    <Group gap="sm">
      <Text size="sm" c="dimmed" component="output">
        {shown} {what}
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
