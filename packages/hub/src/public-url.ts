import type { AddressInfo } from "node:net";
import { hostname } from "node:os";
import { isIPv6 } from "node:net";
import { HubError } from "./errors.ts";

/**
 * Reads the address at which the hub is reached from outside.
 * @throws HubError `bad_option` unless it is `https://HOST[:PORT]`
 */
export function parsePublicUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isOrigin = url?.protocol === "https:" && url.href === `${url.origin}/`;
  if (url === undefined || !isOrigin) {
    throw new HubError(
      "bad_option",
      `the public URL has to be https://HOST[:PORT] without a path, not "${text}"`,
    );
  }
  return url;
}

/** The address for a hub that was given none: where it listens, or the machine's name when that is everywhere. */
export function urlOfListener({ address, port }: AddressInfo): URL {
  const isEverywhere = address === "0.0.0.0" || address === "::";
  const host = isEverywhere ? hostname() : address;
  return new URL(`https://${isIPv6(host) ? `[${host}]` : host}:${port}`);
}

/** The names and addresses that the hub's own certificate has to cover. */
export function certificateNames(publicUrls: readonly (URL | undefined)[], listenHost: string): string[] {
  const given = publicUrls.flatMap((url) => url?.hostname.replaceAll(/^\[|\]$/g, "") ?? []);
  const names = [...given, "localhost", "127.0.0.1", "::1", hostname()];
  if (listenHost !== "0.0.0.0" && listenHost !== "::") names.push(listenHost);
  return [...new Set(names)];
}
