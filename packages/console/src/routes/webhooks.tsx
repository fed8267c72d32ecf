import type { Webhook } from "@sallyport/hub";
import { Anchor, Button, Group, Modal, Stack, TagsInput, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useDisclosure } from "@mantine/hooks";
import { useInfiniteQuery, useMutation } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { DataTableColumn } from "mantine-datatable";
import { createWebhook, webhooksQuery } from "../api/webhooks.ts";
import { DataList } from "../components/data-list.tsx";
import { Failure } from "../components/failure.tsx";
import { PlusIcon } from "../components/icons.tsx";
import { Moment } from "../components/moment.tsx";
import { Page } from "../components/page.tsx";
import { SecretOnce } from "../components/secret-once.tsx";
import { WebhookState } from "../components/webhook-state.tsx";

const columns: DataTableColumn<Webhook>[] = [
  {
    accessor: "url",
    title: "Sends to",
    render: ({ id, url }) => (
      <Anchor
        size="sm"
        renderRoot={(props) => <Link to="/webhooks/$id" params={{ id }} {...props} />}
        style={{ overflowWrap: "anywhere" }}
      >
        {url}
      </Anchor>
    ),
  },
  { accessor: "description", title: "For" },
  {
    accessor: "types",
    title: "Events",
    render: ({ types }) => (types.length === 0 ? "all" : types.join(", ")),
  },
  { accessor: "enabled", title: "State", render: (webhook) => <WebhookState webhook={webhook} /> },
  { accessor: "backlog", title: "Waiting", textAlign: "right" },
  {
    accessor: "lastSuccessAt",
    title: "Last success",
    render: ({ lastSuccessAt }) => <Moment iso={lastSuccessAt} missing="never" />,
  },
];

/** Where the hub's events are sent. */
export function WebhooksPage() {
  const webhooks = useInfiniteQuery(webhooksQuery);
  const [adding, { open, close }] = useDisclosure(false);
  return (
    <Page
      title="Webhooks"
      actions={
        <Button leftSection={<PlusIcon />} onClick={open}>
          Add a webhook
        </Button>
      }
    >
      <NewWebhookDialog opened={adding} onClose={close} />
      <DataList
        what="webhooks"
        list={webhooks}
        columns={columns}
        idOf={({ id }) => id}
        empty={{
          title: "There is no webhook",
          description: "A webhook sends jobs, images and alerts to another system as they happen, signed.",
        }}
      />
    </Page>
  );
}

interface NewWebhookValues {
  url: string;
  description: string;
  types: string[];
}

function NewWebhookDialog({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const form = useForm<NewWebhookValues>({
    initialValues: { url: "", description: "", types: [] },
    validate: { url: (value) => (URL.canParse(value) ? null : "A whole address, such as https://…") },
  });
  const add = useMutation({
    mutationFn: createWebhook,
    // The secret leaves memory together with the dialog.
    gcTime: 0,
    onSuccess: (_webhook, _values, _result, { client }) =>
      client.invalidateQueries({ queryKey: webhooksQuery.queryKey }),
  });
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      onExitTransitionEnd={() => {
        add.reset();
        form.reset();
      }}
      title={add.isSuccess ? "The webhook's secret" : "Add a webhook"}
      size="lg"
      closeOnClickOutside={!add.isSuccess && !add.isPending}
      closeButtonProps={{ "aria-label": "Close" }}
      centered
    >
      {add.isSuccess ? (
        <SecretOnce label="Secret" secret={add.data.secret} onDone={onClose}>
          The receiver verifies with it that what it gets is from this hub (Standard Webhooks). If it is lost,
          rotate it on the webhook&apos;s page.
        </SecretOnce>
      ) : (
        <form onSubmit={form.onSubmit((values) => add.mutate(values))}>
          <Stack>
            <TextInput
              label="Address"
              placeholder="https://ops.example/sallyport"
              required
              type="url"
              autoComplete="off"
              data-autofocus
              {...form.getInputProps("url")}
            />
            <TextInput label="For" autoComplete="off" {...form.getInputProps("description")} />
            <TagsInput
              label="Events"
              description="Beginnings of types, then Enter; none for all of them."
              data={["netbackup.job", "netbackup.image", "sallyport.connection", "sallyport.alert"]}
              {...form.getInputProps("types")}
            />
            {add.isError ? <Failure title="The webhook was not added" error={add.error} /> : null}
            <Group justify="flex-end">
              <Button variant="default" onClick={onClose}>
                Cancel
              </Button>
              <Button type="submit" loading={add.isPending} disabled={form.values.url.trim() === ""}>
                Add
              </Button>
            </Group>
          </Stack>
        </form>
      )}
    </Modal>
  );
}
