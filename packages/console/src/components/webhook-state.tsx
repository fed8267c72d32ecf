import type { Webhook } from "@sallyport/hub";
import { StatusBadge } from "./status-badge.tsx";

/** Whether a webhook sends, and if not, why. */
export function WebhookState({ webhook }: { webhook: Pick<Webhook, "enabled" | "disabledReason"> }) {
  const { enabled, disabledReason } = webhook;
  if (enabled) return <StatusBadge standing="good">enabled</StatusBadge>;
  if (disabledReason === null) return <StatusBadge standing="neutral">disabled</StatusBadge>;
  return <StatusBadge standing="bad">{`disabled: ${disabledReason}`}</StatusBadge>;
}
