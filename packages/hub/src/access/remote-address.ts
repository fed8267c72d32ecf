import type { IncomingHttpHeaders } from "node:http";
import ipaddr from "ipaddr.js";
import { HubError } from "../errors.ts";

/** What of a request says where it comes from. */
export interface AddressedRequest {
  headers: IncomingHttpHeaders;
  socket: { remoteAddress?: string | undefined };
}

/** Where a request comes from. */
export type RemoteAddressOf = (request: AddressedRequest) => string;

type Address = ipaddr.IPv4 | ipaddr.IPv6;

/**
 * Makes the one function that says where requests come from. `X-Forwarded-For` is believed only as far as trusted proxies wrote it: from
 * its end, the first address that is no trusted proxy is the caller's. Without trusted proxies it is the socket's address, whatever
 * the request claims.
 * @param trustedProxies addresses and networks, such as `10.0.0.0/8`
 * @throws HubError `bad_option` for what is neither
 */
export function makeRemoteAddressOf(trustedProxies: readonly string[]): RemoteAddressOf {
  const networks = trustedProxies.map(parseNetwork);
  if (networks.length === 0) return ({ socket }) => socket.remoteAddress ?? "unknown";
  const isTrusted = (address: Address) =>
    networks.some(([network, bits]) => network.kind() === address.kind() && address.match(network, bits));
  return ({ headers, socket }) => {
    const own = socket.remoteAddress ?? "unknown";
    let nearest = parseAddress(own);
    if (nearest === undefined || !isTrusted(nearest)) return own;
    // Node joins repeated ones with a comma.
    const claimed = String(headers["x-forwarded-for"] ?? "").split(",");
    for (const text of claimed.toReversed()) {
      const address = parseAddress(text);
      // What is no address can't be judged, nor what stands before it.
      if (address === undefined) break;
      nearest = address;
      if (!isTrusted(address)) break;
    }
    return nearest.toString();
  };
}

/**
 * What counts as one address when tries are counted: an IPv6 network of 64 bits belongs to one customer, who could otherwise use 2^64
 * addresses.
 */
export function throttleKeyOf(remoteAddress: string): string {
  const address = parseAddress(remoteAddress);
  if (address === undefined || address.kind() === "ipv4") return address?.toString() ?? remoteAddress;
  return (address as ipaddr.IPv6).parts
    .slice(0, 4)
    .map((part) => part.toString(16))
    .join(":");
}

/** Whether this is an address or a network, as `makeRemoteAddressOf` takes it. */
export function isNetwork(text: string): boolean {
  return ipaddr.isValidCIDR(text) || isWhole(text);
}

function parseNetwork(text: string): [Address, number] {
  if (ipaddr.isValidCIDR(text)) {
    const [address, bits] = ipaddr.parseCIDR(text);
    return [address, bits];
  }
  const address = parseAddress(text);
  if (address === undefined) {
    throw new HubError(
      "bad_option",
      `a trusted proxy has to be an address or a network such as 10.0.0.0/8, not "${text}"`,
    );
  }
  return [address, address.kind() === "ipv4" ? 32 : 128];
}

/** Reads an address; some proxies write it with its port. IPv4 inside IPv6 becomes IPv4. */
function parseAddress(text: string): Address | undefined {
  const trimmed = text.trim();
  const [, bracketed, withPort] = /^(?:\[([^\]]+)\](?::\d+)?|(\d+\.\d+\.\d+\.\d+):\d+)$/.exec(trimmed) ?? [];
  const bare = bracketed ?? withPort ?? trimmed;
  return isWhole(bare) ? ipaddr.process(bare) : undefined;
}

/** The library also takes shortened IPv4 such as `10.1`, which no proxy writes. */
function isWhole(text: string): boolean {
  return text.includes(":") ? ipaddr.IPv6.isValid(text) : ipaddr.IPv4.isValidFourPartDecimal(text);
}
