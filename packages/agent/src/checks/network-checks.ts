import { lookup } from "node:dns/promises";
import { once } from "node:events";
import { connect, isIP } from "node:net";
import { tryCheck, type Check } from "./check.ts";

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
export function checkName({ host }: Target): Promise<Check> {
  const advice = `the machine's DNS has no answer for ${host}: mend its entry, or the resolver in /etc/resolv.conf`;
  return tryCheck({ name: "dns", subject: host, advice }, async () => {
    if (isIP(host) !== 0) return "is an address";
    const found = await lookup(host, { all: true });
    return found.map(({ address }) => address).join(", ");
  });
}

/** Whether a port takes connections. */
export function checkPort({ host, port }: Target, timeoutMs: number): Promise<Check> {
  const subject = `${host}:${port}`;
  const advice = `let this machine open TCP connections to ${subject}: firewall, routing, or nothing listens there`;
  return tryCheck({ name: "tcp", subject, advice }, async () => {
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
