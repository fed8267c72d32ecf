import type { Webhook } from "@sallyport/hub";
import { StatusBadge } from "./status-badge.tsx";

/** Whether a webhook sends, and if not, why. */
export function WebhookState({
  webhook,
}: {
  webhook: Pick<Webhook, "enabled" | "disabledReason" | "lastSuccessAt" | "lastFailureAt">;
}) {
  const { enabled, disabledReason, lastSuccessAt, lastFailureAt } = webhook;
  if (!enabled) {
    if (disabledReason === null) return <StatusBadge standing="neutral">disabled</StatusBadge>;
    return <StatusBadge standing="bad">{`disabled: ${disabledReason}`}</StatusBadge>;
  }
  if (lastFailureAt !== null && (lastSuccessAt === null || lastSuccessAt < lastFailureAt)) {
    return <StatusBadge standing="warning">enabled, failing</StatusBadge>;
  }
  return <StatusBadge standing="good">enabled</StatusBadge>;
}
