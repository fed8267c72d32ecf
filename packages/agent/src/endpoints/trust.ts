import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { checkServerIdentity, connect, getCACertificates, type PeerCertificate } from "node:tls";
import { parseEndpointUrl, type DialOptions } from "@sallyport/nbwss";
import { AgentError } from "../errors.ts";

/** The authorities that endpoints are verified against: the system's, and one file's where given. */
export function trustedAuthorities(extraCaPem: string | undefined): string[] {
  return extraCaPem === undefined
    ? getCACertificates("default")
    : [...getCACertificates("default"), extraCaPem];
}

/**
 * TLS options that verify an endpoint as usual and also require the certificate that the administrator accepted
 * (NBWSS, endpoint administration: pinning).
 */
export function pinnedTls(ca: string[], acceptedPem: string): NonNullable<DialOptions["tls"]> {
  const accepted = new X509Certificate(acceptedPem).fingerprint256;
  return {
    ca,
    checkServerIdentity(host: string, certificate: PeerCertificate) {
      const failure = checkServerIdentity(host, certificate);
      if (failure !== undefined) return failure;
      if (certificate.fingerprint256 === accepted) return undefined;
      return new AgentError(
        "certificate_changed",
        `${host} shows another certificate (SHA-256 ${certificate.fingerprint256}) than the accepted one (${accepted}); validate and save the endpoint again if the change is right`,
      );
    },
  };
}

/**
 * Fetches the certificate that an endpoint shows, verified against the authorities.
 * @returns PEM
 * @throws AgentError `endpoint_unreachable` with the reason
 */
export async function fetchCertificate(url: string, ca: string[], timeoutMs: number): Promise<string> {
  const { hostname, port } = parseEndpointUrl(url);
  const host = hostname.replace(/^\[|\]$/g, "");
  const socket = connect({
    host,
    port: port === "" ? 443 : Number(port),
    servername: /^[\d.]+$|:/.test(host) ? "" : host,
    ca,
    minVersion: "TLSv1.2",
  });
  try {
    await once(socket, "secureConnect", { signal: AbortSignal.timeout(timeoutMs) });
    return new X509Certificate(socket.getPeerCertificate().raw).toString();
  } catch (error) {
    const why =
      (error as Error).name === "AbortError" ? `no answer in ${timeoutMs} ms` : (error as Error).message;
    throw new AgentError(
      "endpoint_unreachable",
      `Unable to establish a connection to the specified URL: ${why}. If the endpoint has an authority of its own, name its certificate with --ca`,
      { cause: error },
    );
  } finally {
    socket.destroy();
  }
}
