import { EventSource } from "eventsource";
import { Failure } from "../failure.ts";
import { cloudEvent, type FeedEvent } from "./hub-schemas.ts";
import type { HubClient, Query } from "./hub-client.ts";

/** What is done with what comes. */
export interface StreamHandler {
  event(event: FeedEvent): void;
  /** The stream speaks of itself: `missed` (positions that are gone), `cut` (the hub ends it, and why), `lost`. */
  notice(name: string, text: string): void;
}

/** Refusals for good; anything else may pass, and the connection is tried again. */
const refused = new Set([400, 401, 403, 404]);

/**
 * Follows the hub's events until the signal, from the position in the query on; a lost connection is taken up after the last event
 * that came (`Last-Event-ID`).
 * @throws Failure when the hub refuses
 */
export async function followEvents(
  hub: HubClient,
  query: Query,
  handler: StreamHandler,
  signal: AbortSignal,
): Promise<void> {
  using stack = new DisposableStack();
  const source = new EventSource(hub.addressOf("/api/v1/notifications/stream", query), {
    fetch: (_url, init) => hub.fetch("/api/v1/notifications/stream", query, init),
  });
  stack.defer(() => source.close());
  for (const name of ["missed", "cut"]) {
    source.addEventListener(name, ({ data }: { data: string }) => handler.notice(name, data));
  }
  const ended = Promise.withResolvers<void>();
  source.addEventListener("message", ({ data }: { data: string }) => {
    try {
      handler.event(cloudEvent.parse(JSON.parse(data)));
    } catch (error) {
      ended.reject(error);
    }
  });
  source.addEventListener("error", ({ code, message }) => {
    const text = message ?? "the stream ended";
    if (code !== undefined && refused.has(code)) ended.reject(new Failure(`the hub refused: ${text}`));
    else handler.notice("lost", `${text.replace(/^TypeError: /, "")}; trying again`);
  });
  signal.addEventListener("abort", () => ended.resolve());
  await ended.promise;
}
