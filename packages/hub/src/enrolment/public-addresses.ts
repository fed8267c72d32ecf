import { HubError } from "../errors.ts";

/** One address at which primaries reach the hub. */
export interface PublicAddress {
  /** As events keep it: null for the main one, wherever that is. */
  address: string | null;
  url: URL;
}

/** The addresses at which the hub is reached from outside: the main one, and those configured beside it. */
export class PublicAddresses {
  readonly #main: () => URL;
  readonly #more: readonly URL[];

  constructor(main: () => URL, more: readonly URL[]) {
    this.#main = main;
    this.#more = more;
  }

  get main(): PublicAddress {
    return { address: null, url: this.#main() };
  }

  /**
   * The address that somebody asks for; the main one unless said.
   * @throws HubError `bad_request` for one that is not configured
   */
  choose(wanted: string | undefined): PublicAddress {
    if (wanted === undefined) return this.main;
    const origin = URL.canParse(wanted) ? new URL(wanted).origin : wanted;
    if (origin === this.main.url.origin) return this.main;
    const url = this.#more.find((more) => more.origin === origin);
    if (url !== undefined) return { address: url.origin, url };
    const offered = [this.main.url, ...this.#more].map((one) => one.origin).join(", ");
    throw new HubError("bad_request", `url: is none of the hub's public addresses (${offered})`);
  }

  /** The address that an event names; one that is not configured any more still shows what was given out. */
  of(address: string | null): PublicAddress {
    return address === null ? this.main : { address, url: new URL(address) };
  }
}

/** The `wss` URL of an endpoint at an address. */
export function endpointUrl({ url }: PublicAddress): string {
  return `wss://${url.hostname}:${url.port === "" ? 443 : url.port}/nbwss`;
}

/** Its host name; an IPv6 address without brackets. */
export function endpointHost({ url }: PublicAddress): string {
  return url.hostname.replaceAll(/^\[|\]$/g, "");
}
