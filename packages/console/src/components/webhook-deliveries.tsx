import type { Delivery } from "@sallyport/hub";
import { Button, Code, Group, Modal, Stack, Text, Title } from "@mantine/core";
import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import type { DataTableColumn } from "mantine-datatable";
import { useState } from "react";
import { deliveriesQuery, redeliver, webhooksKey } from "../api/webhooks.ts";
import { useFilters } from "../use-filters.ts";
import { actionsColumn, DataList } from "./data-list.tsx";
import { Failure } from "./failure.tsx";
import { ChoiceFilter, FilterBar } from "./filter-bar.tsx";
import { Moment } from "./moment.tsx";
import { StatusBadge } from "./status-badge.tsx";

const names = ["state"] as const;
const standings = { pending: "neutral", delivered: "good", failed: "bad" } as const;
/** Characters of an answer that are shown in the list; all that is kept is behind "Show". */
const excerptLength = 60;
/** How often the list is read again while something is on its way, and while nothing is, ms. */
const refreshMs = { pending: 2_000, quiet: 10_000 };

const columns: DataTableColumn<Delivery>[] = [
  { accessor: "position", title: "Position", textAlign: "right" },
  {
    accessor: "type",
    title: "Event",
    render: ({ type, subject }) => (
      <Stack gap={2} align="flex-start">
        <Code style={{ whiteSpace: "nowrap" }}>{type}</Code>
        <Text size="xs" c="dimmed">
          {subject}
        </Text>
      </Stack>
    ),
  },
  {
    accessor: "state",
    title: "State",
    render: ({ state, attempts }) => (
      <Stack gap={2} align="flex-start">
        <StatusBadge standing={standings[state]}>{state}</StatusBadge>
        <Text size="xs" c="dimmed">
          {attempts === 1 ? "1 attempt" : `${attempts} attempts`}
        </Text>
      </Stack>
    ),
  },
  {
    accessor: "responseCode",
    title: "Answer",
    render: ({ responseCode, responseBody, error }) => (
      <Stack gap={2} align="flex-start">
        <Text size="sm">
          {responseCode ?? (error === null ? "–" : "none")} {error}
        </Text>
        {responseBody === null || responseBody === "" ? null : (
          <Code>
            {responseBody.slice(0, excerptLength)}
            {responseBody.length > excerptLength ? "…" : ""}
          </Code>
        )}
      </Stack>
    ),
  },
  {
    accessor: "lastAttemptAt",
    title: "Last attempt",
    render: ({ lastAttemptAt, nextAttemptAt }) => (
      <Stack gap={2} align="flex-start">
        <Moment iso={lastAttemptAt} missing="not yet" />
        {nextAttemptAt === null ? null : (
          <Text size="xs" c="dimmed">
            next <Moment iso={nextAttemptAt} />
          </Text>
        )}
      </Stack>
    ),
  },
];

/** What was sent to a webhook, and what is on its way. */
export function WebhookDeliveries({ id }: { id: string }) {
  const [filters, set] = useFilters(names);
  const deliveries = useInfiniteQuery({
    ...deliveriesQuery(id, filters.state),
    refetchInterval: ({ state }) =>
      state.data?.pages.some(({ data }) => data.some((delivery) => delivery.state === "pending")) === true
        ? refreshMs.pending
        : refreshMs.quiet,
  });
  const client = useQueryClient();
  const [shown, setShown] = useState<Delivery | null>(null);
  const again = useMutation({
    mutationFn: (delivery: Delivery) => redeliver(id, delivery.id),
    onSettled: async () => {
      await client.invalidateQueries({ queryKey: [`/webhooks/${encodeURIComponent(id)}/deliveries`] });
      await client.invalidateQueries({ queryKey: webhooksKey });
    },
  });
  const actions = actionsColumn<Delivery>((delivery) => (
    <Group gap="xs" wrap="nowrap" justify="flex-end">
      <Button
        size="compact-xs"
        variant="default"
        onClick={() => setShown(delivery)}
        aria-label={`Show the delivery of position ${delivery.position}`}
      >
        Show
      </Button>
      {delivery.state === "pending" ? null : (
        <Button
          size="compact-xs"
          variant="default"
          loading={again.isPending && again.variables.id === delivery.id}
          onClick={() => again.mutate(delivery)}
          aria-label={`Send again: position ${delivery.position}`}
        >
          Send again
        </Button>
      )}
    </Group>
  ));
  return (
    <Stack gap="sm">
      <Title order={2} size="h4">
        Deliveries
      </Title>
      <FilterBar>
        <ChoiceFilter
          label="State"
          value={filters.state}
          onChange={(value) => set("state", value)}
          choices={["pending", "delivered", "failed"].map((value) => ({ value, label: value }))}
        />
      </FilterBar>
      {again.isError ? <Failure title="It was not sent again" error={again.error} /> : null}
      <DeliveryDialog delivery={shown} onClose={() => setShown(null)} />
      <DataList
        what={["delivery", "deliveries"]}
        list={deliveries}
        columns={[...columns, actions]}
        idOf={(delivery) => delivery.id}
        empty={
          filters.state === ""
            ? {
                title: "Nothing was sent yet",
                description: "Events appear here as they happen and are sent.",
              }
            : { title: `Nothing is ${filters.state}`, description: "The hub keeps the latest deliveries." }
        }
      />
    </Stack>
  );
}

/** All that is known of one delivery. */
function DeliveryDialog({ delivery, onClose }: { delivery: Delivery | null; onClose: () => void }) {
  return (
    <Modal
      opened={delivery !== null}
      onClose={onClose}
      title={`Delivery of position ${delivery?.position ?? ""}`}
      size="lg"
    >
      <Code block style={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}>
        {JSON.stringify(delivery, null, 2)}
      </Code>
    </Modal>
  );
}
