import { Modal, Stack } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useMutation } from "@tanstack/react-query";
import { createWebhook, webhooksKey } from "../api/webhooks.ts";
import { Failure } from "./failure.tsx";
import { FormButtons } from "./form-buttons.tsx";
import { SecretOnce } from "./secret-once.tsx";
import { addressFault, WebhookFields, wishOf, type WebhookValues } from "./webhook-fields.tsx";

/** Adds a webhook and shows its secret, this once. */
export function NewWebhookDialog({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const form = useForm<WebhookValues>({
    initialValues: { url: "", description: "", types: [], primaries: [], labels: [] },
    validate: { url: addressFault },
  });
  const add = useMutation({
    mutationFn: (values: WebhookValues) => createWebhook(wishOf(values)),
    // The secret leaves memory together with the dialog.
    gcTime: 0,
    onSuccess: (_webhook, _values, _result, { client }) =>
      client.invalidateQueries({ queryKey: webhooksKey }),
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
    >
      {add.isSuccess ? (
        <SecretOnce label="Secret" secret={add.data.secret} onDone={onClose}>
          The receiver verifies with it that what it gets is from this hub (Standard Webhooks). If it is lost,
          rotate it on the webhook&apos;s page.
        </SecretOnce>
      ) : (
        <form onSubmit={form.onSubmit((values) => add.mutate(values))} noValidate>
          <Stack>
            <WebhookFields form={form} />
            {add.isError ? <Failure title="The webhook was not added" error={add.error} /> : null}
            <FormButtons action="Add" isPending={add.isPending} onCancel={onClose} />
          </Stack>
        </form>
      )}
    </Modal>
  );
}
