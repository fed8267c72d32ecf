import type { Logger } from "pino";
import { toFilter, type FeedFilter } from "../feed/feed-filter.ts";
import type { PrimariesView } from "../views/primaries.ts";
import type { Views } from "../views/views.ts";
import type { DeliveryStore } from "./delivery-store.ts";
import { Lane, newReceiver } from "./lane.ts";
import type { WebhookSecrets } from "./webhook-secrets.ts";
import type { WebhookRecord, WebhooksView } from "./webhooks-view.ts";

/** What the lanes are made of. */
export interface LanesOptions {
  view: Pick<WebhooksView, "list" | "get">;
  views: Pick<Views, "isCurrent">;
  primaries: Pick<PrimariesView, "list">;
  store: DeliveryStore;
  secrets: Pick<WebhookSecrets, "remove" | "webhookIds">;
  logger: Logger;
  /** Epoch ms. */
  now: () => number;
}

/** Types of which it is remembered who wants them. */
const maxTypes = 500;

/** The webhooks as they are now, in memory: what each commit of the log is held against. */
export class Lanes {
  readonly #options: LanesOptions;
  readonly #lanes = new Map<string, Lane>();
  /** Webhooks that have changed and could not be read yet; nothing goes on before they are. */
  readonly #stale = new Set<string>();
  readonly #byType = new Map<string, Lane[]>();
  #labelsAreStale = false;

  constructor(options: LanesOptions) {
    this.#options = options;
  }

  /** Takes over what was there at the start, and forgets what belongs to webhooks that are gone. */
  load(): void {
    const { view, store, secrets } = this.#options;
    const receivers = store.receivers();
    const list = this.#listPrimaries();
    for (const webhook of view.list()) {
      const receiver = receivers.get(webhook.id) ?? newReceiver;
      this.#lanes.set(webhook.id, new Lane(webhook, filterOf(webhook, list), receiver));
    }
    for (const id of store.webhookIds()) if (!this.#lanes.has(id)) store.remove(id);
    for (const id of secrets.webhookIds()) if (!this.#lanes.has(id)) secrets.remove(id);
  }

  get isEmpty(): boolean {
    return this.#lanes.size === 0 && this.#stale.size === 0;
  }

  /** Those that may want events of a type, found once for each type. */
  wanting(type: string): readonly Lane[] {
    const known = this.#byType.get(type);
    if (known !== undefined) return known;
    const found = [...this.#lanes.values()].filter(({ filter }) =>
      filter.types.some((beginning) => type.startsWith(beginning)),
    );
    // A primary may make up any number of types.
    if (this.#byType.size >= maxTypes) this.#byType.clear();
    this.#byType.set(type, found);
    return found;
  }

  all(): Iterable<Lane> {
    return this.#lanes.values();
  }

  get(id: string): Lane | undefined {
    return this.#lanes.get(id);
  }

  /** Whether the webhook is still there. */
  has(lane: Lane): boolean {
    return this.#lanes.get(lane.id) === lane;
  }

  /** A webhook was made, changed or deleted. */
  changed(id: string): void {
    this.#stale.add(id);
  }

  /** A primary came, went, or has other labels. */
  labelsChanged(): void {
    this.#labelsAreStale = true;
  }

  /** Brings the lanes up to date. Returns false when that can't be done now; then nothing may be sent or taken. Never throws. */
  refresh(): boolean {
    if (this.#stale.size === 0 && !this.#labelsAreStale) return true;
    const { views, logger } = this.#options;
    if (!views.isCurrent) return false;
    this.#byType.clear();
    try {
      for (const id of this.#stale) {
        this.#refreshOne(id);
        this.#stale.delete(id);
      }
      if (this.#labelsAreStale) this.#refreshLabels();
      this.#labelsAreStale = false;
      return true;
    } catch (err) {
      logger.error({ err }, "webhooks.not_refreshed");
      return false;
    }
  }

  #refreshOne(id: string): void {
    const { view, store, secrets, now } = this.#options;
    const webhook = view.get(id);
    const lane = this.#lanes.get(id);
    if (webhook === undefined) {
      lane?.abort();
      store.remove(id);
      secrets.remove(id);
      this.#lanes.delete(id);
      return;
    }
    const filter = filterOf(webhook, this.#listPrimaries());
    if (lane === undefined) {
      this.#lanes.set(id, new Lane(webhook, filter, newReceiver));
      return;
    }
    const isAnew = lane.webhook.url !== webhook.url || (webhook.enabled && !lane.webhook.enabled);
    if (isAnew) {
      lane.beginAnew();
      store.beginAnew(id, now(), lane.receiver);
    }
    lane.webhook = webhook;
    lane.filter = filter;
  }

  #refreshLabels(): void {
    const list = this.#listPrimaries();
    for (const lane of this.#lanes.values()) {
      if (Object.keys(lane.webhook.labels).length > 0) lane.filter = filterOf(lane.webhook, list);
    }
  }

  /** All primaries, read when the first webhook asks for them. */
  #listPrimaries() {
    let primaries: ReturnType<PrimariesView["list"]> | undefined;
    return () => (primaries ??= this.#options.primaries.list());
  }
}

function filterOf(webhook: WebhookRecord, list: () => ReturnType<PrimariesView["list"]>): FeedFilter {
  const { types, primaries, labels } = webhook;
  return toFilter({ types, primaries, labels }, { kind: "all" }, list);
}
