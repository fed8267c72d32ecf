import type { Delivery, Webhook } from "@sallyport/hub";
import { Alert, Button, Code, DataList as Facts, Group, Modal, Stack, Title } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import type { DataTableColumn } from "mantine-datatable";
import {
  deliveriesQuery,
  redeliver,
  removeWebhook,
  rotateWebhookSecret,
  setWebhookEnabled,
  testWebhook,
  webhookQuery,
  webhooksQuery,
} from "../api/webhooks.ts";
import { ConfirmDialog } from "../components/confirm-dialog.tsx";
import { DataList } from "../components/data-list.tsx";
import { Failure } from "../components/failure.tsx";
import { ChoiceFilter, FilterBar } from "../components/filter-bar.tsx";
import { Moment } from "../components/moment.tsx";
import { Page } from "../components/page.tsx";
import { SecretOnce } from "../components/secret-once.tsx";
import { StatusBadge } from "../components/status-badge.tsx";
import { WebhookState } from "../components/webhook-state.tsx";
import { useFilters } from "../use-filters.ts";

const route = getRouteApi("/signed-in/webhooks/$id");
const names = ["state"] as const;
const standings = { pending: "neutral", delivered: "good", failed: "bad" } as const;

/** One webhook: how it does, and what was sent. */
export function WebhookPage() {
  const { id } = route.useParams();
  const webhook = useQuery(webhookQuery(id));
  return (
    <Page title="Webhook">
      {webhook.isLoadingError ? (
        <Failure
          title="The webhook could not be read"
          error={webhook.error}
          onRetry={() => void webhook.refetch()}
          retrying={webhook.isFetching}
        />
      ) : null}
      {webhook.data === undefined ? null : <Shown webhook={webhook.data} />}
    </Page>
  );
}

function Shown({ webhook }: { webhook: Webhook }) {
  const { id, url, enabled } = webhook;
  const client = useQueryClient();
  const navigate = useNavigate();
  const [removing, { open, close }] = useDisclosure(false);
  const again = () => client.invalidateQueries({ queryKey: webhooksQuery.queryKey });
  const change = useMutation({ mutationFn: () => setWebhookEnabled(id, !enabled), onSuccess: again });
  const tried = useMutation({ mutationFn: () => testWebhook(id) });
  const rotated = useMutation({ mutationFn: () => rotateWebhookSecret(id), gcTime: 0 });
  return (
    <Stack gap="md">
      <Facts size="sm" gap="xs">
        <Facts.Item>
          <Facts.ItemLabel>Sends to</Facts.ItemLabel>
          <Facts.ItemValue style={{ overflowWrap: "anywhere" }}>{url}</Facts.ItemValue>
        </Facts.Item>
        <Facts.Item>
          <Facts.ItemLabel>State</Facts.ItemLabel>
          <Facts.ItemValue>
            <WebhookState webhook={webhook} />
          </Facts.ItemValue>
        </Facts.Item>
        <Facts.Item>
          <Facts.ItemLabel>Events that wait</Facts.ItemLabel>
          <Facts.ItemValue>{webhook.backlog}</Facts.ItemValue>
        </Facts.Item>
        <Facts.Item>
          <Facts.ItemLabel>Last failure</Facts.ItemLabel>
          <Facts.ItemValue>
            <Moment iso={webhook.lastFailureAt} missing="never" />
          </Facts.ItemValue>
        </Facts.Item>
      </Facts>
      <Group gap="sm">
        <Button variant="default" loading={tried.isPending} onClick={() => tried.mutate()}>
          Send a test
        </Button>
        <Button variant="default" loading={change.isPending} onClick={() => change.mutate()}>
          {enabled ? "Disable" : "Enable"}
        </Button>
        <Button variant="default" loading={rotated.isPending} onClick={() => rotated.mutate()}>
          Rotate the secret
        </Button>
        <Button color="red" variant="outline" onClick={open}>
          Remove
        </Button>
      </Group>
      {tried.isSuccess ? <TestResult result={tried.data} /> : null}
      {[tried, change, rotated].map(({ error }) =>
        error === null ? null : <Failure key={error.message} title="It was not done" error={error} />,
      )}
      <Modal
        opened={rotated.isSuccess}
        onClose={() => rotated.reset()}
        title="The new secret"
        size="lg"
        closeOnClickOutside={false}
        closeButtonProps={{ "aria-label": "Close" }}
        centered
      >
        <SecretOnce label="Secret" secret={rotated.data?.secret ?? ""} onDone={() => rotated.reset()}>
          Give it to the receiver within a day: until then the old one signs too.
        </SecretOnce>
      </Modal>
      <ConfirmDialog
        opened={removing}
        onClose={close}
        title="Remove this webhook?"
        action="Remove"
        onConfirm={async () => {
          await removeWebhook(id);
          await again();
          await navigate({ to: "/webhooks" });
        }}
      >
        {webhook.backlog} events that wait for it are not sent any more.
      </ConfirmDialog>
      <Deliveries id={id} />
    </Stack>
  );
}

function TestResult({
  result,
}: {
  result: { delivered: boolean; responseCode: number | null; error: string | null };
}) {
  const { delivered, responseCode, error } = result;
  return (
    <Alert
      color={delivered ? "green" : "red"}
      title={delivered ? "The test was delivered" : "The test failed"}
    >
      {error ?? `The receiver answered ${responseCode}.`}
    </Alert>
  );
}

function Deliveries({ id }: { id: string }) {
  const [filters, set] = useFilters(names);
  const query = deliveriesQuery(id, filters.state);
  const deliveries = useInfiniteQuery(query);
  const client = useQueryClient();
  const again = useMutation({
    mutationFn: (delivery: Delivery) => redeliver(id, delivery.id),
    onSuccess: () => client.invalidateQueries({ queryKey: query.queryKey }),
  });
  const columns: DataTableColumn<Delivery>[] = [
    { accessor: "position", title: "Position", textAlign: "right" },
    { accessor: "type", title: "Type" },
    { accessor: "subject", title: "Subject" },
    {
      accessor: "state",
      title: "State",
      render: ({ state }) => <StatusBadge standing={standings[state]}>{state}</StatusBadge>,
    },
    { accessor: "attempts", title: "Attempts", textAlign: "right" },
    {
      accessor: "responseCode",
      title: "Answer",
      render: ({ responseCode, responseBody, error }) => (
        <>
          {error ?? responseCode ?? ""}{" "}
          {responseBody === null ? null : <Code>{responseBody.slice(0, 80)}</Code>}
        </>
      ),
    },
    {
      accessor: "nextAttemptAt",
      title: "Next attempt",
      render: ({ nextAttemptAt }) => <Moment iso={nextAttemptAt} />,
    },
    {
      accessor: "actions",
      title: "",
      render: (delivery) => (
        <Button size="compact-xs" variant="default" onClick={() => again.mutate(delivery)}>
          Send again
        </Button>
      ),
    },
  ];
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
      <DataList
        what="deliveries"
        list={deliveries}
        columns={columns}
        idOf={(delivery) => delivery.id}
        empty={{ title: "Nothing was sent yet", description: "Events appear here as they are sent." }}
      />
    </Stack>
  );
}
