import { HubError } from "../errors.ts";
import { toPublic, type CloudEvent } from "../feed/public-events.ts";
import type { EventLog } from "../log/log.ts";
import type { DeliveryRow } from "./delivery-schema.ts";
import type { Sender, Sent } from "./sender.ts";
import { messageIdOf, signedHeaders } from "./signature.ts";
import type { WebhookSecrets } from "./webhook-secrets.ts";

/** What attempts are made with. */
export interface AttemptsOptions {
  log: Pick<EventLog, "get">;
  secrets: Pick<WebhookSecrets, "valid">;
  sender: Pick<Sender, "send">;
  /** Epoch ms. */
  now: () => number;
}

/** What is sent where. */
export interface Target {
  webhookId: string;
  url: string;
  signal: AbortSignal;
}

const contentType = "application/cloudevents+json; charset=utf-8";
const userAgent = "Sallyport-Webhooks/1";

/** Makes attempts: the event as it is in the feed, signed with every secret that is valid now. */
export class Attempts {
  readonly #options: AttemptsOptions;

  constructor(options: AttemptsOptions) {
    this.#options = options;
  }

  /**
   * Sends the event of a delivery; undefined when the log no longer has it.
   * @throws HubError `unsealable` when there is no secret that could sign: nothing goes out unsigned; what the signal was aborted with
   */
  async deliver(target: Target, delivery: Pick<DeliveryRow, "position" | "type">): Promise<Sent | undefined> {
    const event = await this.#options.log.get(delivery.position);
    // Where an older log was put back, there may be another one.
    const shown = event?.type === delivery.type ? toPublic(event) : undefined;
    return shown === undefined ? undefined : this.send(target, shown);
  }

  /** Sends an event. @throws as `deliver` */
  async send(
    { webhookId, url, signal }: Target,
    event: CloudEvent | Omit<CloudEvent, "position">,
  ): Promise<Sent> {
    const { secrets, sender, now } = this.#options;
    const valid = secrets.valid(webhookId);
    if (valid.length === 0) {
      const message =
        "the webhook has no secret to sign with; rotate it, and give the new one to the receiver";
      throw new HubError("unsealable", message);
    }
    const body = JSON.stringify(event);
    const signed = signedHeaders({ id: messageIdOf(event.id), atMs: now(), body }, valid);
    const headers = { "content-type": contentType, "user-agent": userAgent, ...signed };
    return sender.send({ url, headers, body, signal });
  }
}
