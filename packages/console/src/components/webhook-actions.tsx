import type { TestedWebhook, Webhook } from "@sallyport/hub";
import { Alert, Button, Code, Group, Stack, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { changeWebhook, removeWebhook, testWebhook, webhooksKey } from "../api/webhooks.ts";
import { useAccess } from "../use-access.ts";
import { backlogText, webhookName } from "../webhook-texts.ts";
import { ConfirmDialog } from "./confirm-dialog.tsx";
import { EditWebhookDialog } from "./edit-webhook-dialog.tsx";
import { Failure } from "./failure.tsx";
import { ReplayDialog } from "./replay-dialog.tsx";
import { RotateSecretDialog } from "./rotate-secret-dialog.tsx";

/** What an operator may do with a webhook, and what an administrator may. */
export function WebhookActions({ webhook }: { webhook: Webhook }) {
  const { id, enabled } = webhook;
  const { may } = useAccess();
  const client = useQueryClient();
  const [replaying, replay] = useDisclosure(false);
  const again = () => client.invalidateQueries({ queryKey: webhooksKey });
  const change = useMutation({
    mutationFn: () => changeWebhook(id, { enabled: !enabled }),
    onSuccess: again,
  });
  const tried = useMutation({ mutationFn: () => testWebhook(id), onSettled: again });
  return (
    <Stack gap="sm">
      <Group gap="sm">
        <Button variant="default" loading={tried.isPending} onClick={() => tried.mutate()}>
          Send a test event
        </Button>
        <Button variant="default" onClick={replay.open}>
          Send a range again
        </Button>
        {may("administrator") ? (
          <>
            <Button variant="default" loading={change.isPending} onClick={() => change.mutate()}>
              {enabled ? "Disable" : "Enable"}
            </Button>
            <ChangingActions webhook={webhook} />
          </>
        ) : null}
      </Group>
      <ReplayDialog id={id} opened={replaying} onClose={replay.close} />
      {tried.isSuccess ? <TestResult result={tried.data} /> : null}
      {tried.isError ? <Failure title="No test event was sent" error={tried.error} /> : null}
      {change.isError ? <Failure title="The webhook was not changed" error={change.error} /> : null}
    </Stack>
  );
}

function ChangingActions({ webhook }: { webhook: Webhook }) {
  const { id, backlog } = webhook;
  const client = useQueryClient();
  const navigate = useNavigate();
  const [editing, edit] = useDisclosure(false);
  const [rotating, rotation] = useDisclosure(false);
  const [removing, removal] = useDisclosure(false);
  return (
    <>
      <Button variant="default" onClick={edit.open}>
        Edit
      </Button>
      <Button variant="default" onClick={rotation.open}>
        Rotate the secret
      </Button>
      <Button color="red" variant="outline" onClick={removal.open}>
        Remove
      </Button>
      <EditWebhookDialog webhook={webhook} opened={editing} onClose={edit.close} />
      <RotateSecretDialog id={id} opened={rotating} onClose={rotation.close} />
      <ConfirmDialog
        opened={removing}
        onClose={removal.close}
        title={`Remove the webhook ${webhookName(webhook)}?`}
        action="Remove"
        onConfirm={async () => {
          await removeWebhook(id);
          await navigate({ to: "/webhooks" });
          client.removeQueries({ queryKey: ["/webhooks", id] });
          await client.invalidateQueries({ queryKey: webhooksKey });
        }}
      >
        {backlog === 0
          ? "Nothing waits for it."
          : `Events that wait for it (${backlogText(backlog)}) are lost to it.`}{" "}
        Its secret is void.
      </ConfirmDialog>
    </>
  );
}

function TestResult({ result }: { result: TestedWebhook }) {
  const { delivered, responseCode, responseBody, error, ms } = result;
  return (
    <Alert
      color={delivered ? "green" : "red"}
      title={delivered ? "The test event was delivered" : "The test event was not delivered"}
    >
      <Stack gap="xs" align="flex-start">
        <Text size="sm">
          {error ?? `The receiver answered ${responseCode ?? "nothing"}`} ({Math.round(ms)} ms)
        </Text>
        {responseBody === null || responseBody === "" ? null : (
          <Code block w="100%" style={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}>
            {responseBody}
          </Code>
        )}
      </Stack>
    </Alert>
  );
}
