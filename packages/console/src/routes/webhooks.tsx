import type { Webhook } from "@sallyport/hub";
import { Anchor, Button, Stack, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { DataTableColumn } from "mantine-datatable";
import { webhooksQuery } from "../api/webhooks.ts";
import { DataList } from "../components/data-list.tsx";
import { PlusIcon } from "../components/icons.tsx";
import { Moment } from "../components/moment.tsx";
import { NewWebhookDialog } from "../components/new-webhook-dialog.tsx";
import { Page } from "../components/page.tsx";
import { WebhookState } from "../components/webhook-state.tsx";
import { useAccess } from "../use-access.ts";
import { backlogText, webhookName, wishText } from "../webhook-texts.ts";

const columns: DataTableColumn<Webhook>[] = [
  {
    accessor: "url",
    title: "Webhook",
    render: (webhook) => (
      <Stack gap={2} align="flex-start">
        <Anchor
          size="sm"
          className="name-link"
          renderRoot={(props) => <Link to="/webhooks/$id" params={{ id: webhook.id }} {...props} />}
        >
          {webhookName(webhook)}
        </Anchor>
        <Text size="xs" c="dimmed">
          {webhook.url}
        </Text>
      </Stack>
    ),
  },
  { accessor: "types", title: "Gets", render: wishText },
  { accessor: "enabled", title: "State", render: (webhook) => <WebhookState webhook={webhook} /> },
  {
    accessor: "backlog",
    title: "Waiting",
    textAlign: "right",
    render: ({ backlog }) => backlogText(backlog),
  },
  {
    accessor: "lastSuccessAt",
    title: "Last success",
    render: ({ lastSuccessAt }) => <Moment iso={lastSuccessAt} missing="never" />,
  },
  {
    accessor: "lastFailureAt",
    title: "Last failure",
    render: ({ lastFailureAt }) => <Moment iso={lastFailureAt} missing="never" />,
  },
];

/** Where the hub's events are sent. */
export function WebhooksPage() {
  const { may } = useAccess();
  const webhooks = useInfiniteQuery(webhooksQuery);
  const [adding, { open, close }] = useDisclosure(false);
  return (
    <Page
      title="Webhooks"
      actions={
        may("administrator") ? (
          <Button leftSection={<PlusIcon />} onClick={open}>
            Add a webhook
          </Button>
        ) : null
      }
    >
      <NewWebhookDialog opened={adding} onClose={close} />
      <DataList
        what={["webhook", "webhooks"]}
        list={webhooks}
        columns={columns}
        idOf={({ id }) => id}
        empty={{
          title: "There is no webhook",
          description: "A webhook sends what happens to another system, signed, in order, until it is taken.",
        }}
      />
    </Page>
  );
}
