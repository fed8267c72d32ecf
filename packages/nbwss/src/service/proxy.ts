import { BlockList, isIP } from "node:net";

/** A proxy as the environment names it. */
export interface ProxyEnvironment {
  /** Such as `http://user:password@proxy.example:3128`; the credentials go to the proxy only. */
  HTTPS_PROXY?: string | undefined;
  /** What is dialled directly, see `proxyFor`. */
  NO_PROXY?: string | undefined;
}

/**
 * The proxy that leads to a URL; undefined when it is dialled directly. `NO_PROXY` is read as curl reads it: names with commas or spaces
 * between them, `*` for all; a name stands for itself and all below it, with or without a dot before it; an address for itself, however
 * it is written, and a network (`10.0.0.0/8`, `fd00::/8`) for the addresses in it. A name is not resolved for that. Beyond curl, an entry
 * with a port counts for that port alone. What can't be read matches nothing.
 */
export function proxyFor(url: URL, proxy: ProxyEnvironment | undefined): string | undefined {
  if (proxy?.HTTPS_PROXY === undefined || proxy.HTTPS_PROXY === "") return undefined;
  const entries = (proxy.NO_PROXY ?? "").split(/[\s,]+/).filter((entry) => entry !== "");
  return entries.some((entry) => isException(url, entry)) ? undefined : proxy.HTTPS_PROXY;
}

function isException({ hostname, port }: URL, entry: string): boolean {
  if (entry === "*") return true;
  const [name, ofPort] = splitPort(entry);
  if (ofPort !== undefined && Number(ofPort) !== Number(port === "" ? 443 : port)) return false;
  const host = hostname.replaceAll(/^\[|\]$|\.$/g, "");
  if (isIP(host) !== 0) return isWithin(host, name);
  const domain = name.toLowerCase().replaceAll(/^\*?\.|\.$/g, "");
  return domain !== "" && (host === domain || host.endsWith(`.${domain}`));
}

/** Name or network, and port, of an entry; colons of an IPv6 address that stands without brackets are no port. */
function splitPort(entry: string): [name: string, port: string | undefined] {
  const [, bracketed, plain, port] = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d+))?$/.exec(entry) ?? [];
  return [bracketed ?? plain ?? entry, port];
}

function isWithin(address: string, network: string): boolean {
  const [base = "", bits] = network.split("/");
  const family = isIP(base);
  // BlockList would take an IPv4 address for one of ::/0.
  if (family === 0 || family !== isIP(address)) return false;
  const most = family === 4 ? 32 : 128;
  if (bits !== undefined && !(/^\d{1,3}$/.test(bits) && Number(bits) <= most)) return false;
  const list = new BlockList();
  const type = family === 4 ? "ipv4" : "ipv6";
  list.addSubnet(base, bits === undefined ? most : Number(bits), type);
  return list.check(address, type);
}
