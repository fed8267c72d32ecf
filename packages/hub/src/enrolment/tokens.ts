import { HubError } from "../errors.ts";
import type { Recorder } from "../log/recorder.ts";
import { isGood, type EndpointRecord, type PrimaryTokensView } from "../views/primary-tokens.ts";
import type { Views } from "../views/views.ts";
import type { DetailsDesk } from "./details-desk.ts";
import type { EndpointDetails } from "./details-store.ts";
import type { PublicAddresses } from "./public-addresses.ts";
import type { TokenExpiry } from "./token-expiry.ts";

/** A further endpoint for a primary. */
export interface NewEndpoint {
  groupId: string;
  priority: number;
  /** One of the hub's public addresses; the main one unless said. */
  url?: string | undefined;
}

/** Which of a primary's endpoints gets a new token. */
export interface Rotation {
  groupId?: string | undefined;
  url?: string | undefined;
  /** For how long the old token works beside the new one, ms; 0 ends it at once. */
  overlapMs: number;
}

/** A token that was just made, in its endpoint details. */
export interface NewDetails {
  id: string;
  endpoint: EndpointDetails;
  detailsUrl: string;
}

/** What the tokens of primaries need. */
export interface TokensOptions {
  tokens: PrimaryTokensView;
  views: Pick<Views, "requireCurrent">;
  recorder: Pick<Recorder, "record">;
  desk: DetailsDesk;
  addresses: PublicAddresses;
  expiry: TokenExpiry;
  /** Cuts the connections of a token. */
  cut: (tokenId: string) => void;
  limits: { maxTokensPerPrimary: number };
  /** Epoch ms. */
  now: () => number;
}

/** Gives primaries tokens, replaces them, and ends them. */
export class Tokens {
  readonly #options: TokensOptions;
  /** Tokens that are on their way into the log, by primary. */
  readonly #underway = new Map<string, number>();

  constructor(options: TokensOptions) {
    this.#options = options;
  }

  /**
   * Gives a primary a further endpoint, or one more token for one that it has.
   * @throws HubError `bad_request`, `too_many_tokens`, `views_behind`, `log_failed` or `log_busy`
   */
  async addEndpoint(id: string, { groupId, priority, url }: NewEndpoint): Promise<NewDetails> {
    const at = this.#options.addresses.choose(url);
    return this.#issue(id, { groupId, priority, address: at.address }, (tokenHash) =>
      this.#options.recorder.record("sallyport.primary.endpoint.added", `/primaries/${id}`, {
        id,
        groupId,
        priority,
        address: at.address,
        tokenHash,
      }),
    );
  }

  /**
   * Makes a new token for an endpoint; those that it has end when the overlap does.
   * @throws HubError `no_such_endpoint`, `bad_request` when it is not clear which, `too_many_tokens`, `views_behind`, `log_failed` or `log_busy`
   */
  async rotate(id: string, { overlapMs, ...which }: Rotation): Promise<NewDetails> {
    const { tokens, recorder, expiry, now } = this.#options;
    const endpoint = this.#endpointOf(id, which);
    const { groupId, address } = endpoint;
    const issued = await this.#issue(id, endpoint, (tokenHash) => {
      const old = tokens.listOf(id).filter((one) => one.groupId === groupId && one.address === address);
      const expiresAt = new Date(now() + overlapMs).toISOString();
      const replaced = old.map((token) => token.id);
      const data = { id, groupId, address, tokenHash, replaced, expiresAt };
      return recorder.record("sallyport.primary.token.rotated", `/primaries/${id}`, data);
    });
    // What is over at once is cut before the answer says so.
    await expiry.run();
    return issued;
  }

  /**
   * Ends a token at once, and cuts the connection that uses it.
   * @throws HubError `no_such_token`, `log_failed` or `log_busy`
   */
  async revoke(id: string, tokenId: string): Promise<void> {
    const { tokens, recorder, cut } = this.#options;
    const token = tokens.get(tokenId);
    if (token === undefined || token.primaryId !== id || token.endedAt !== null) {
      throw new HubError("no_such_token", "this primary has no such token");
    }
    const data = { id, tokenId, groupId: token.groupId, why: "revoked" } as const;
    await recorder.record("sallyport.primary.token.ended", `/primaries/${id}`, data);
    cut(tokenId);
  }

  /** Issues details for an endpoint; `write` puts the token into the log. */
  async #issue(
    id: string,
    endpoint: EndpointRecord,
    write: (tokenHash: string) => Promise<unknown>,
  ): Promise<NewDetails> {
    const { tokens, views, desk, addresses, limits, now } = this.#options;
    views.requireCurrent();
    const underway = this.#underway.get(id) ?? 0;
    const good = tokens.listOf(id).filter((token) => isGood(token, now())).length;
    if (good + underway >= limits.maxTokensPerPrimary) {
      const message = `this primary has ${good} tokens already; end some of them (DELETE /primaries/{id}/tokens/{tokenId})`;
      throw new HubError("too_many_tokens", message);
    }
    this.#underway.set(id, underway + 1);
    try {
      const issued = desk.issue(id, endpoint, addresses.of(endpoint.address));
      try {
        await write(issued.tokenHash);
      } catch (error) {
        issued.withdraw();
        throw error;
      }
      return { id, endpoint: issued.endpoint, detailsUrl: issued.detailsUrl };
    } finally {
      const left = (this.#underway.get(id) ?? 1) - 1;
      if (left === 0) this.#underway.delete(id);
      else this.#underway.set(id, left);
    }
  }

  #endpointOf(id: string, { groupId, url }: Omit<Rotation, "overlapMs">): EndpointRecord {
    const { tokens, addresses } = this.#options;
    const address = url === undefined ? undefined : addresses.choose(url).address;
    const all = tokens.endpointsOf(id);
    const fit = all.filter(
      (one) =>
        (groupId === undefined || one.groupId === groupId) &&
        (address === undefined || one.address === address),
    );
    const [endpoint, another] = fit;
    if (endpoint === undefined) throw new HubError("no_such_endpoint", "this primary has no such endpoint");
    if (another === undefined) return endpoint;
    const names = fit.map((one) => `${one.groupId} at ${addresses.of(one.address).url.origin}`).join(", ");
    throw new HubError("bad_request", `this primary has several endpoints (${names}): name groupId and url`);
  }
}
