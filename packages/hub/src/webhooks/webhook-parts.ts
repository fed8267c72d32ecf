import type { Clock } from "@sallyport/nbwss";
import type { Logger } from "pino";
import type { Registry } from "prom-client";
import type { HubLimits } from "../config/limits.ts";
import { HubError } from "../errors.ts";
import type { Feed } from "../feed/feed.ts";
import type { HubState } from "../state.ts";
import { Attempts } from "./attempt.ts";
import { CatchUp } from "./catch-up.ts";
import { Dispatcher } from "./dispatcher.ts";
import { Intake } from "./intake.ts";
import { Lanes } from "./lanes.ts";
import { MissedEvents } from "./missed.ts";
import { checkReceiverUrl, makeAddressRule, makeResolveName, receiverAddresses } from "./receiver-address.ts";
import { Sender } from "./sender.ts";
import { WebhookMetrics } from "./webhook-metrics.ts";
import { Webhooks } from "./webhooks.ts";

/** What an operator sets for webhooks. */
export interface WebhookOptions {
  /** Addresses and networks (`10.0.0.0/8`) that are sent to although they are not public. */
  allowedNetworks?: readonly string[] | undefined;
  /** PEM of an authority of receivers' certificates, beside those that Node trusts. */
  ca?: string | undefined;
}

/** What the parts of webhooks are made of. */
export interface WebhookPartsOptions {
  options: WebhookOptions | undefined;
  state: HubState;
  feed: Feed;
  registry: Registry;
  limits: HubLimits;
  clock: Clock;
  logger: Logger;
}

/** The webhooks, wired. */
export interface WebhookParts {
  webhooks: Webhooks;
  /** Begins to send. */
  start(): Promise<void>;
  /** Begins nothing more; what is under way may end. */
  stop(): void;
  /** Calls off what is under way. Calling it again does nothing. */
  close(): Promise<void>;
}

/** Wires the webhooks. Nothing is sent yet. @throws HubError `bad_option` for a network that is none */
export function makeWebhookParts(parts: WebhookPartsOptions): WebhookParts {
  const { state, feed, registry, limits, clock, logger } = parts;
  const {
    log,
    recorder,
    views,
    primaries,
    webhooks: view,
    webhookSecrets: secrets,
    deliveries: store,
  } = state;
  const now = () => clock.now();
  const closing = new AbortController();
  const rule = makeAddressRule(parts.options?.allowedNetworks ?? []);
  const resolve = makeResolveName(Math.max(Math.floor(limits.webhookTimeoutMs / 4), 100));
  const sender = new Sender({
    rule,
    resolve,
    clock,
    timeoutMs: limits.webhookTimeoutMs,
    maxAnswerBytes: limits.maxWebhookAnswerBytes,
    ca: parts.options?.ca,
  });
  const attempts = new Attempts({ log, secrets, sender, now });
  const lanes = new Lanes({ view, views, primaries, store, secrets, logger, now });
  const missed = new MissedEvents({
    log,
    recorder,
    store,
    now,
    isThere: (lane) => lanes.has(lane),
    announced: () => metrics.missed(),
  });
  const dispatcher = new Dispatcher({
    lanes,
    store,
    attempts,
    missed,
    catchUp: () => catchUp,
    disable: (lane, stopping) => webhooks.disable(lane, stopping),
    metrics: () => metrics,
    limits,
    clock,
    logger,
    random: Math.random,
  });
  const wake = dispatcher.wake.bind(dispatcher);
  const metrics = new WebhookMetrics({ registry, lanes, store, running: () => dispatcher.running });
  const intake = new Intake({ log, lanes, store, limits, clock, logger, wake });
  const catchUp = new CatchUp({ log, feed, lanes, store, intake, missed, limits, clock, logger, wake });
  const webhooks = new Webhooks({
    view,
    views,
    recorder,
    log,
    secrets,
    store,
    lanes,
    intake,
    dispatcher,
    attempts,
    checkUrl: (url) => checkUrl(url),
    limits,
    now,
    closing: closing.signal,
    disabled(id, reason) {
      metrics.disabled(reason);
      logger.warn({ webhook: id, reason }, "webhook.disabled");
    },
  });

  /** A name that can't be resolved now may be later; one that leads where nothing is sent to is refused at once. */
  async function checkUrl(text: string): Promise<void> {
    checkReceiverUrl(text, rule);
    const patience = new AbortController();
    const timer = clock.after(limits.webhookTimeoutMs, () => patience.abort(new Error("it takes too long")));
    try {
      const signal = AbortSignal.any([closing.signal, patience.signal]);
      await receiverAddresses(new URL(text), rule, resolve, signal);
    } catch (error) {
      if (error instanceof HubError) throw error;
      logger.info({ err: error }, "webhook.name_not_resolved");
    } finally {
      timer.cancel();
    }
  }

  return {
    webhooks,
    async start() {
      await intake.start();
      for (const lane of lanes.all()) {
        wake(lane);
        catchUp.consider(lane);
      }
    },
    stop: () => dispatcher.stop(),
    async close() {
      closing.abort(new Error("the hub is stopping"));
      await dispatcher.close();
      await catchUp.close();
      await intake.close();
      sender.close();
    },
  };
}
