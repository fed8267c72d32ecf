import type { Webhook } from "@sallyport/hub";
import { Alert, DataList as Facts, Stack } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { primaryNamesQuery } from "../api/primaries.ts";
import { webhookQuery } from "../api/webhooks.ts";
import { Failure } from "../components/failure.tsx";
import { WarningIcon } from "../components/icons.tsx";
import { Moment } from "../components/moment.tsx";
import { Page } from "../components/page.tsx";
import { WebhookActions } from "../components/webhook-actions.tsx";
import { WebhookDeliveries } from "../components/webhook-deliveries.tsx";
import { WebhookState } from "../components/webhook-state.tsx";
import { toPairs } from "../label-pairs.ts";
import { backlogText, disabledAdvice, webhookName } from "../webhook-texts.ts";

const route = getRouteApi("/signed-in/webhooks/$id");

/** One webhook: how it does, and what was sent. */
export function WebhookPage() {
  const { id } = route.useParams();
  const webhook = useQuery(webhookQuery(id));
  return (
    <Page
      title={webhook.data === undefined ? "Webhook" : webhookName(webhook.data)}
      parent={{ to: "/webhooks", label: "Webhooks" }}
    >
      {webhook.isError ? (
        <Failure
          title={
            webhook.data === undefined ? "The webhook could not be read" : "What is shown here is out of date"
          }
          error={webhook.error}
          onRetry={() => void webhook.refetch()}
          retrying={webhook.isFetching}
        />
      ) : null}
      {webhook.data === undefined ? null : (
        <Stack gap="md">
          <WebhookFacts webhook={webhook.data} />
          <WebhookActions webhook={webhook.data} />
          <WebhookDeliveries id={id} />
        </Stack>
      )}
    </Page>
  );
}

function Fact({ label, children }: { label: string; children: ReactNode }) {
  return (
    <Facts.Item>
      <Facts.ItemLabel>{label}</Facts.ItemLabel>
      <Facts.ItemValue className="card-value">{children}</Facts.ItemValue>
    </Facts.Item>
  );
}

function WebhookFacts({ webhook }: { webhook: Webhook }) {
  const { url, types, labels, disabledReason, backlog, cursor } = webhook;
  const { data: names } = useQuery(primaryNamesQuery);
  const primaries = webhook.primaries.map((id) => names?.get(id) ?? id);
  return (
    <>
      {disabledReason === null ? null : (
        <Alert color="red" icon={<WarningIcon />} title={`The hub has disabled it: ${disabledReason}`}>
          {disabledAdvice(disabledReason)}
        </Alert>
      )}
      <Facts size="sm" gap="xs" labelWidth="7.5rem">
        <Fact label="Sends to">{url}</Fact>
        <Fact label="State">
          <WebhookState webhook={webhook} />
        </Fact>
        <Fact label="Events">{types.length === 0 ? "all" : types.join(", ")}</Fact>
        <Fact label="Labels">{Object.keys(labels).length === 0 ? "any" : toPairs(labels).join(", ")}</Fact>
        <Fact label="Primaries">{primaries.length === 0 ? "all" : primaries.join(", ")}</Fact>
        <Fact label="Waiting">{backlogText(backlog)}</Fact>
        <Fact label="Done up to">position {cursor}</Fact>
        <Fact label="Last success">
          <Moment iso={webhook.lastSuccessAt} missing="never" />
        </Fact>
        <Fact label="Last failure">
          <Moment iso={webhook.lastFailureAt} missing="never" />
        </Fact>
        <Fact label="Made">
          <Moment iso={webhook.createdAt} />
        </Fact>
      </Facts>
    </>
  );
}
