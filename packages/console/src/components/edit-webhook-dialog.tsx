import type { Webhook } from "@sallyport/hub";
import { Modal, Stack, Text } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useMutation } from "@tanstack/react-query";
import { changeWebhook, webhooksKey } from "../api/webhooks.ts";
import { Failure } from "./failure.tsx";
import { FormButtons } from "./form-buttons.tsx";
import { addressFault, valuesOf, WebhookFields, wishOf, type WebhookValues } from "./webhook-fields.tsx";

interface EditWebhookDialogProps {
  webhook: Webhook;
  opened: boolean;
  onClose: () => void;
}

/** Changes where a webhook sends to, and which events. */
export function EditWebhookDialog({ webhook, opened, onClose }: EditWebhookDialogProps) {
  return (
    <Modal opened={opened} onClose={onClose} title="Edit the webhook" size="lg">
      <EditForm webhook={webhook} onClose={onClose} />
    </Modal>
  );
}

/** Made anew whenever the dialog opens, so that it begins with what holds. */
function EditForm({ webhook, onClose }: Omit<EditWebhookDialogProps, "opened">) {
  const form = useForm<WebhookValues>({
    initialValues: valuesOf(webhook),
    validate: { url: addressFault },
  });
  const save = useMutation({
    mutationFn: (values: WebhookValues) => changeWebhook(webhook.id, wishOf(values)),
    onSuccess: async (_answer, _values, _result, { client }) => {
      await client.invalidateQueries({ queryKey: webhooksKey });
      onClose();
    },
  });
  return (
    <form onSubmit={form.onSubmit((values) => save.mutate(values))} noValidate>
      <Stack>
        <Text size="sm">It holds for events from now on; those that wait already are still sent.</Text>
        <WebhookFields form={form} />
        {save.isError ? <Failure title="The webhook was not changed" error={save.error} /> : null}
        <FormButtons action="Save" isPending={save.isPending} onCancel={onClose} />
      </Stack>
    </form>
  );
}
