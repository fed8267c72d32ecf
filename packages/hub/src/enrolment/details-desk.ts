import { hashSecret } from "../access/secret.ts";
import { HubError } from "../errors.ts";
import type { Recorder } from "../log/recorder.ts";
import { isGood, type EndpointRecord, type PrimaryTokensView } from "../views/primary-tokens.ts";
import type { DetailsStore, EndpointDetails } from "./details-store.ts";
import { endpointHost, endpointUrl, type PublicAddress } from "./public-addresses.ts";
import { newToken } from "./token.ts";

/** Endpoint details that were just made: the only time that the token can be read. */
export interface IssuedDetails {
  endpoint: EndpointDetails;
  /** Gives `endpoint` once, without a key, within an hour. */
  detailsUrl: string;
  tokenHash: string;
  /** Makes the URL void again, when what it belongs to could not be written down. */
  withdraw: () => void;
}

/** What the desk needs. */
export interface DetailsDeskOptions {
  details: DetailsStore;
  tokens: Pick<PrimaryTokensView, "findByHash">;
  recorder: Pick<Recorder, "record">;
  /** Epoch ms. */
  now: () => number;
}

/** Hands out endpoint details: as an answer, and once more at a URL. */
export class DetailsDesk {
  readonly #options: DetailsDeskOptions;

  constructor(options: DetailsDeskOptions) {
    this.#options = options;
  }

  /**
   * Makes a token and the details with it.
   * @throws HubError `log_failed` when they can't be kept
   */
  issue(
    primaryId: string,
    { groupId, priority }: Omit<EndpointRecord, "address">,
    at: PublicAddress,
  ): IssuedDetails {
    const { details } = this.#options;
    const { token, tokenHash } = newToken();
    const endpoint = { token, priority, groupId, hostName: endpointHost(at), url: endpointUrl(at) };
    try {
      const secret = details.put(primaryId, endpoint);
      const detailsUrl = new URL(`/api/v1/endpoint-details/${secret}`, at.url).href;
      return { endpoint, detailsUrl, tokenHash, withdraw: () => details.drop(secret) };
    } catch (cause) {
      const message = "the endpoint details can't be kept; is the disk full?";
      throw new HubError("log_failed", message, { cause, retryAfterS: 5 });
    }
  }

  /**
   * Gives the endpoint details behind a details URL, once. The URL is spent only when that is written down: who is answered an error may
   * try again.
   * @throws HubError `no_such_details` when the secret is unknown, used or too old, or its token has ended; `log_busy`, `log_failed`
   */
  async take(secret: string, remoteAddress: string): Promise<EndpointDetails> {
    const { details, tokens, recorder, now } = this.#options;
    const found = details.open(secret);
    try {
      const token = found === undefined ? undefined : tokens.findByHash(hashSecret(found.details.token));
      if (found === undefined || token === undefined || !isGood(token, now())) {
        const message = "this address is unknown, was used already, or is too old; ask for a new one";
        throw new HubError("no_such_details", message);
      }
      const { primaryId: id } = found;
      await recorder.record("sallyport.primary.details.fetched", `/primaries/${id}`, { id, remoteAddress });
      found.spend();
      return found.details;
    } finally {
      found?.release();
    }
  }

  /** Makes all URLs of a primary void. */
  dropFor(primaryId: string): void {
    this.#options.details.dropFor(primaryId);
  }
}
