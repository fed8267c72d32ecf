import type { CreatedWebhook, Delivery, TestedWebhook, Webhook } from "@sallyport/hub";
import { queryOptions } from "@tanstack/react-query";
import { request, requestJson } from "./client.ts";
import { listQuery } from "./list.ts";

const pathOf = (id: string) => `/webhooks/${encodeURIComponent(id)}`;

/** What people set of a webhook. */
export type WebhookWish = Pick<Webhook, "url" | "description" | "types" | "primaries" | "labels">;

/** What is known of webhooks and of their deliveries. */
export const webhooksKey = ["/webhooks"] as const;

/** All webhooks. */
export const webhooksQuery = listQuery<Webhook>("/webhooks");
/** One webhook. */
export const webhookQuery = (id: string) =>
  queryOptions({
    queryKey: ["/webhooks", id],
    queryFn: ({ signal }) => requestJson<Webhook>(pathOf(id), { signal }),
    refetchInterval: 5_000,
  });
/** What is on its way to a webhook and what lately was, newest first. */
export const deliveriesQuery = (id: string, state: string) =>
  listQuery<Delivery>(`${pathOf(id)}/deliveries`, { state });

/** The newest position of the hub's log. */
export const lastPositionQuery = queryOptions({
  queryKey: ["/notifications", "last"],
  queryFn: async ({ signal }) => {
    const { last } = await requestJson<{ last: number }>("/notifications?limit=1", { signal });
    return last;
  },
});

/** Adds a webhook; the answer is the only time that its secret can be read. */
export function createWebhook(webhook: WebhookWish): Promise<CreatedWebhook> {
  return requestJson<CreatedWebhook>("/webhooks", { method: "POST", body: webhook });
}

/** Changes a webhook; `enabled` stops it, or lets it go on with what waited. */
export async function changeWebhook(
  id: string,
  change: Partial<WebhookWish & Pick<Webhook, "enabled">>,
): Promise<void> {
  await request(pathOf(id), { method: "PATCH", body: change });
}

/** Makes a new secret; the old one signs too for `overlapMs`. */
export function rotateWebhookSecret(id: string, overlapMs: number): Promise<CreatedWebhook> {
  const body = { overlapMs };
  return requestJson<CreatedWebhook>(`${pathOf(id)}/secret`, { method: "POST", body });
}

/** Sends a test event now and says what became of it. */
export function testWebhook(id: string): Promise<TestedWebhook> {
  return requestJson<TestedWebhook>(`${pathOf(id)}/test`, { method: "POST", timeoutMs: 30_000 });
}

/** Sends one event again. */
export async function redeliver(id: string, deliveryId: string): Promise<void> {
  await request(`${pathOf(id)}/deliveries/${encodeURIComponent(deliveryId)}/redeliver`, { method: "POST" });
}

/** Sends the events of a range of positions, both included, once more. @returns how many are queued */
export async function replayWebhook(id: string, from: number, to: number): Promise<number> {
  const body = { from, to };
  const { queued } = await requestJson<{ queued: number }>(`${pathOf(id)}/replay`, { method: "POST", body });
  return queued;
}

/** Removes a webhook with all that waits for it. */
export async function removeWebhook(id: string): Promise<void> {
  await request(pathOf(id), { method: "DELETE" });
}
