import { lookup } from "node:dns/promises";
import { once } from "node:events";
import { connect, isIP } from "node:net";
import { attempt, checksOf, type Check } from "./check.ts";

/** A host and port to be reached. */
export interface Target {
  host: string;
  port: number;
}

/** Where a URL leads, with the port that its scheme has when it names none. */
export function targetOf(url: string): Target {
  const { hostname, port, protocol } = new URL(url);
  const usual = protocol === "http:" ? 80 : 443;
  return { host: hostname.replaceAll(/^\[|\]$/g, ""), port: port === "" ? usual : Number(port) };
}

/** Whether a name has an address. An address needs none. */
function checkName({ host }: Target): Promise<Check> {
  const todo = `the machine's DNS has no answer for ${host}: mend its entry, or the resolver in /etc/resolv.conf`;
  return attempt("dns", todo, async () => {
    if (isIP(host) !== 0) return "is an address";
    const found = await lookup(host, { all: true });
    return found.map(({ address }) => address).join(", ");
  });
}

/** Whether a port takes connections. */
function checkPort({ host, port }: Target, timeoutMs: number): Promise<Check> {
  const target = `${host}:${port}`;
  const todo = `let this machine open TCP connections to ${target}: firewall, routing, or nothing listens there`;
  return attempt("tcp", todo, async () => {
    const socket = connect({ host, port });
    // Stays: an error after the first one would otherwise end the process.
    socket.on("error", () => {});
    try {
      await once(socket, "connect", { signal: AbortSignal.timeout(timeoutMs) });
      return `connected from ${socket.localAddress ?? "?"}`;
    } catch (error) {
      const isLate = ["AbortError", "TimeoutError"].includes((error as Error).name);
      throw isLate ? new Error(`no answer in ${timeoutMs} ms`) : error;
    } finally {
      socket.destroy();
    }
  });
}

/** The way to a host, before anything is said to it; ends at what fails. */
export async function checkReach(target: Target, timeoutMs: number): Promise<Check[]> {
  const name = await checkName(target);
  const checks = name.state === "fail" ? [name] : [name, await checkPort(target, timeoutMs)];
  return checksOf(`${target.host}:${target.port}`, checks);
}
