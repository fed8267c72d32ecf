import { lookup as lookupInSystem } from "node:dns";
import { Resolver } from "node:dns/promises";
import { isIP, type LookupFunction } from "node:net";
import ipaddr from "ipaddr.js";
import { isNetwork } from "../access/remote-address.ts";
import { HubError } from "../errors.ts";

type Address = ipaddr.IPv4 | ipaddr.IPv6;

/** Finds the addresses of a name. @throws Error when it has none, or nobody knows */
export type ResolveName = (name: string, signal: AbortSignal) => Promise<string[]>;

/** Which addresses the hub sends to. */
export interface AddressRule {
  /** Why nothing may be sent there; undefined when it may. */
  refuses(address: string): string | undefined;
  /** Whether an administrator allowed the address by name of its network. */
  allowsExplicitly(address: string): boolean;
}

/** All that the internet routes in IPv6; whatever else is or becomes special lies outside. */
const globalIpv6 = ipaddr.IPv6.parseCIDR("2000::/3");

/**
 * Makes the rule: public addresses, and the networks that the operator allows. IPv4 inside IPv6 counts as IPv4.
 * @param allowedNetworks such as `10.0.0.0/8` or `192.0.2.7`
 * @throws HubError `bad_option` for what is neither address nor network
 */
export function makeAddressRule(allowedNetworks: readonly string[]): AddressRule {
  const networks = allowedNetworks.map(parseNetwork);
  const isAllowed = (address: Address) =>
    networks.some(([network, bits]) => network.kind() === address.kind() && address.match(network, bits));
  return {
    refuses(text) {
      const address = parse(text);
      if (address === undefined) return `${text} is no address`;
      if (isAllowed(address)) return undefined;
      const range = address.range();
      const isPublic =
        range === "unicast" && (address.kind() === "ipv4" || (address as ipaddr.IPv6).match(...globalIpv6));
      return isPublic
        ? undefined
        : `${text} is not a public address (${range}), and no network of webhooks.allowedNetworks has it`;
    },
    allowsExplicitly(text) {
      const address = parse(text);
      return address !== undefined && isAllowed(address);
    },
  };
}

/**
 * Checks what can be seen of a URL without asking anybody.
 * @throws HubError `bad_request` for what nothing is ever sent to
 */
export function checkReceiverUrl(text: string, rule: AddressRule): void {
  const refuse = (why: string) => new HubError("bad_request", `url: ${why}`);
  if (!URL.canParse(text)) throw refuse("has to be https://HOST[:PORT][/PATH]");
  const { protocol, username, password, hostname, hash } = new URL(text);
  if (protocol !== "https:" && protocol !== "http:") throw refuse("has to begin with https://");
  if (username !== "" || password !== "") throw refuse("must not hold a user or password");
  if (hash !== "") throw refuse("must not have a fragment");
  const literal = literalOf(hostname);
  const why = literal === undefined ? undefined : rule.refuses(literal);
  if (why !== undefined) throw refuse(why);
}

/** The address that stands in a URL in place of a name. */
export function literalOf(hostname: string): string | undefined {
  const bare = hostname.startsWith("[") ? hostname.slice(1, -1) : hostname;
  return ipaddr.isValid(bare) ? bare : undefined;
}

/**
 * Finds the addresses of a URL's host that may be sent to. A name that has both allowed and refused ones is refused: somebody plays with it.
 * @throws HubError `bad_request` when it may not be sent there; Error when the name can't be resolved
 */
export async function receiverAddresses(
  url: URL,
  rule: AddressRule,
  resolve: ResolveName,
  signal: AbortSignal,
): Promise<string[]> {
  const literal = literalOf(url.hostname);
  const addresses = literal === undefined ? await resolve(url.hostname, signal) : [literal];
  if (addresses.length === 0) throw new Error(`${url.hostname} has no address`);
  for (const address of addresses) {
    const why = rule.refuses(address);
    if (why !== undefined) throw new HubError("bad_request", `url: ${why}`);
    if (url.protocol === "http:" && !rule.allowsExplicitly(address)) {
      const message = `url: http:// is for allowed networks only, and ${address} is in none; use https://`;
      throw new HubError("bad_request", message);
    }
  }
  return addresses;
}

/** Has a new connection go to the very addresses that were checked, whatever its name resolves to later. */
export function checkedLookup(addresses: () => Promise<string[]>): LookupFunction {
  return (_name, { all }, callback) => {
    const answer = (found: readonly string[]) => {
      const list = found.map((address) => ({ address, family: isIP(address) }));
      const [first] = list;
      if (all === true) callback(null, list);
      else callback(null, first?.address ?? "", first?.family ?? 0);
    };
    const refuse = (error: Error) => callback(error, "");
    void addresses().then(answer, refuse);
  };
}

/**
 * Makes what resolves names: the DNS servers are asked without a thread, so that slow ones block nobody. A name that DNS does not have
 * may be in the machine's hosts file or search list, which takes one of Node's few threads: never more than one at a time.
 * @param timeoutMs for each try of each server
 */
export function makeResolveName(timeoutMs: number): ResolveName {
  let last: Promise<unknown> = Promise.resolve();
  const inSystem = (name: string, signal: AbortSignal) => {
    const found = last.then(() => {
      signal.throwIfAborted();
      return systemAddresses(name);
    });
    last = found.catch(() => {
      // It is told to whoever asked.
    });
    return found;
  };
  return async (name, signal) => {
    signal.throwIfAborted();
    const resolver = new Resolver({ timeout: timeoutMs, tries: 2 });
    const cancel = () => resolver.cancel();
    signal.addEventListener("abort", cancel, { once: true });
    try {
      const found = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)]);
      const addresses = found.flatMap((one) => (one.status === "fulfilled" ? one.value : []));
      if (addresses.length > 0) return addresses;
      // The machine would ask the same silent servers, and hold a thread meanwhile.
      if (found.some((one) => one.status === "rejected" && isTimeout(one.reason))) {
        throw new Error(`the name ${name} can't be resolved: the DNS servers do not answer`);
      }
    } finally {
      signal.removeEventListener("abort", cancel);
    }
    return abortable(inSystem(name, signal), signal);
  };
}

function systemAddresses(name: string): Promise<string[]> {
  return new Promise((resolve, reject) => {
    lookupInSystem(name, { all: true }, (error, found) => {
      if (error === null) resolve(found.map(({ address }) => address));
      else reject(error);
    });
  });
}

function isTimeout(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === "ETIMEOUT";
}

function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason as Error);
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    const done = () => signal.removeEventListener("abort", abort);
    void promise.then(resolve, reject).finally(done);
  });
}

/** Zone ids belong to link-local addresses, which are refused like the address itself. */
function parse(text: string): Address | undefined {
  const [bare = ""] = text.split("%", 1);
  return ipaddr.isValid(bare) ? ipaddr.process(bare) : undefined;
}

function parseNetwork(text: string): [Address, number] {
  if (ipaddr.isValidCIDR(text)) return ipaddr.parseCIDR(text);
  if (isNetwork(text)) {
    const address = ipaddr.process(text);
    return [address, address.kind() === "ipv4" ? 32 : 128];
  }
  const message = `an allowed network has to be an address or a network such as 10.0.0.0/8, not "${text}"`;
  throw new HubError("bad_option", message);
}
