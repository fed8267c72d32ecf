import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { Agent, request } from "node:https";
import { checkServerIdentity, getCACertificates, type PeerCertificate, type TLSSocket } from "node:tls";
import {
  dialReason,
  parseEndpointUrl,
  proxyFor,
  type DialOptions,
  type ProxyEnvironment,
} from "@sallyport/nbwss";
import { AgentError } from "../errors.ts";

/** How everything that goes out to the cloud side goes out. */
export interface Egress {
  /** The authorities that endpoints and details URLs are verified against, PEM. */
  ca: string[];
  /** The proxy to go through; the upstream is never called through one. */
  proxy: ProxyEnvironment | undefined;
}

/** The authorities that endpoints are verified against: the system's, and one file's where given. */
export function trustedAuthorities(extraCaPem: string | undefined): string[] {
  return extraCaPem === undefined
    ? getCACertificates("default")
    : [...getCACertificates("default"), extraCaPem];
}

/** For one request of `node:https` to a URL: verified, through the proxy, the connection not kept. */
export function agentFor(url: string, { ca, proxy }: Egress): Agent {
  const HTTPS_PROXY = proxyFor(new URL(url), proxy);
  return new Agent({
    ca,
    minVersion: "TLSv1.2",
    keepAlive: false,
    ...(HTTPS_PROXY === undefined ? {} : { proxyEnv: { HTTPS_PROXY } }),
  });
}

/**
 * TLS options that verify an endpoint as usual and also require the certificate that the administrator accepted
 * (NBWSS, endpoint administration: pinning).
 */
export function pinnedTls(ca: string[], acceptedPem: string): NonNullable<DialOptions["tls"]> {
  return {
    ca,
    checkServerIdentity(host: string, certificate: PeerCertificate) {
      return (
        checkServerIdentity(host, certificate) ?? changeOf(host, certificate.fingerprint256, acceptedPem)
      );
    },
  };
}

function changeOf(host: string, shown: string, acceptedPem: string): AgentError | undefined {
  const accepted = new X509Certificate(acceptedPem).fingerprint256;
  if (shown === accepted) return undefined;
  return new AgentError(
    "certificate_changed",
    `${host} shows another certificate (SHA-256 ${shown}) than the accepted one (${accepted}); if the change is right, accept it with: sallyport endpoint update`,
  );
}

/**
 * Looks whether an endpoint can be reached and shows the certificate that was accepted; no token is sent.
 * @throws AgentError `endpoint_unreachable` or `certificate_changed`
 */
export async function reachEndpoint(
  endpoint: { url: string; certificate: string },
  egress: Egress,
  timeoutMs: number,
): Promise<void> {
  const shown = new X509Certificate(await fetchCertificate(endpoint.url, egress, timeoutMs));
  const changed = changeOf(new URL(endpoint.url).host, shown.fingerprint256, endpoint.certificate);
  if (changed !== undefined) throw changed;
}

/**
 * Fetches the certificate that an endpoint shows, verified against the authorities.
 * @returns PEM
 * @throws AgentError `endpoint_unreachable` with the reason
 */
export async function fetchCertificate(url: string, egress: Egress, timeoutMs: number): Promise<string> {
  const { hostname, port } = parseEndpointUrl(url);
  const outgoing = request({
    host: hostname.replaceAll(/^\[|\]$/g, ""),
    port: port === "" ? 443 : Number(port),
    agent: agentFor(url, egress),
    signal: AbortSignal.timeout(timeoutMs),
  });
  // Stays: an error after the first one would otherwise end the process.
  outgoing.on("error", () => {});
  try {
    // Nothing is sent: the request is never ended, and with it goes the socket.
    const [socket] = (await once(outgoing, "socket")) as [TLSSocket];
    // Through a proxy TLS is established by now, and Node gives the certificate out once only.
    let certificate = socket.getPeerX509Certificate();
    if (certificate === undefined) {
      await Promise.race([once(socket, "secureConnect"), once(outgoing, "close").then(failed)]);
      certificate = socket.getPeerX509Certificate();
    }
    if (certificate === undefined) throw new Error("it shows no certificate");
    return certificate.toString();
  } catch (error) {
    const why = ["AbortError", "TimeoutError"].includes((error as Error).name)
      ? `no answer in ${timeoutMs} ms`
      : dialReason(error as Error, "--ca");
    throw new AgentError(
      "endpoint_unreachable",
      `Unable to establish a connection to the specified URL: ${why}`,
      { cause: error },
    );
  } finally {
    outgoing.destroy();
  }
}

function failed(): never {
  throw new Error("the connection ended before TLS was established");
}
