import type { CreatedWebhook, Delivery, TestedWebhook, Webhook } from "@sallyport/hub";
import { queryOptions } from "@tanstack/react-query";
import { request, requestJson } from "./client.ts";
import { listQuery } from "./list.ts";

const pathOf = (id: string) => `/webhooks/${encodeURIComponent(id)}`;

/** All webhooks. */
export const webhooksQuery = listQuery<Webhook>("/webhooks");
/** One webhook. */
export const webhookQuery = (id: string) =>
  queryOptions({
    queryKey: ["/webhooks", id],
    queryFn: ({ signal }) => requestJson<Webhook>(pathOf(id), { signal }),
    refetchInterval: 5_000,
  });
/** What was sent to a webhook, newest first. */
export const deliveriesQuery = (id: string, state: string) =>
  listQuery<Delivery>(`${pathOf(id)}/deliveries`, { state });

/** Adds a webhook; the answer is the only time that its secret can be read. */
export function createWebhook(webhook: {
  url: string;
  description: string;
  types: string[];
}): Promise<CreatedWebhook> {
  return requestJson<CreatedWebhook>("/webhooks", { method: "POST", body: webhook });
}

/** Stops sending, or goes on with what waited. */
export async function setWebhookEnabled(id: string, enabled: boolean): Promise<void> {
  await request(pathOf(id), { method: "PATCH", body: { enabled } });
}

/** Makes a new secret; the old one signs too for a day. */
export function rotateWebhookSecret(id: string): Promise<CreatedWebhook> {
  return requestJson<CreatedWebhook>(`${pathOf(id)}/secret`, { method: "POST", body: {} });
}

/** Sends a test event now. */
export function testWebhook(id: string): Promise<TestedWebhook> {
  return requestJson<TestedWebhook>(`${pathOf(id)}/test`, { method: "POST" });
}

/** Sends one event again. */
export async function redeliver(id: string, deliveryId: string): Promise<void> {
  await request(`${pathOf(id)}/deliveries/${encodeURIComponent(deliveryId)}/redeliver`, { method: "POST" });
}

/** Removes a webhook with all that waits for it. */
export async function removeWebhook(id: string): Promise<void> {
  await request(pathOf(id), { method: "DELETE" });
}
