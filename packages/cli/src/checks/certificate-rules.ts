import { X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { fail, pass, warn, type Check } from "@sallyport/agent";
import { checkLimits } from "./limits.ts";

const dayMs = 86_400_000;
const pemPattern = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** Reads all certificates of a PEM text, in their order. @throws Error when one is damaged */
export function readCertificates(pem: string): X509Certificate[] {
  return [...pem.matchAll(pemPattern)].map(([text]) => new X509Certificate(text));
}

/** Says whether a certificate is valid at `nowMs`, and long enough. @param isRenewed the hub makes it anew itself */
export function validityCheck(certificate: X509Certificate, nowMs: number, isRenewed: boolean): Check {
  const name = "certificate-validity";
  const [from, to] = [certificate.validFromDate, certificate.validToDate];
  const days = Math.floor((to.getTime() - nowMs) / dayMs);
  if (nowMs < from.getTime()) {
    const found = `the certificate is valid from ${from.toISOString()} only`;
    return fail(name, found, "set this machine's clock, or install a certificate that is valid now");
  }
  if (nowMs >= to.getTime()) {
    const found = `the certificate has expired on ${to.toISOString()}`;
    return fail(name, found, isRenewed ? "restart the hub: it makes a new one" : "install a new one");
  }
  const found = `valid until ${to.toISOString()} (${days} days)`;
  if (days >= checkLimits.minCertificateDays) return pass(name, found);
  const todo = isRenewed
    ? "see why the hub has not renewed it (tls.not_reloaded in its log)"
    : "renew it; endpoints that pin it have to accept the new one";
  return warn(name, found, todo);
}

/** Says whether a certificate names all hosts at which the hub is reached. @param hosts without brackets @param isRenewed the hub makes it anew itself */
export function namesCheck(
  certificate: X509Certificate,
  hosts: readonly string[],
  isRenewed: boolean,
): Check {
  const name = "certificate-names";
  const missing = hosts.filter((host) => !isNamed(certificate, host));
  if (missing.length === 0) return pass(name, `it names ${hosts.join(", ")}`);
  const found = `it does not name ${missing.join(", ")}, only ${namesOf(certificate)}`;
  const todo = isRenewed
    ? "restart the hub with these settings: it makes a certificate that does, which endpoints have to accept anew"
    : "get a certificate for that name, or set --public-url to a name that it has";
  return fail(name, found, todo);
}

/** The names that a certificate is for, as a person reads them. */
export function namesOf(certificate: X509Certificate): string {
  return certificate.subjectAltName ?? oneLine(certificate.subject);
}

/** Whether a certificate is for a host name or address. */
function isNamed(certificate: X509Certificate, host: string): boolean {
  return (isIP(host) === 0 ? certificate.checkHost(host) : certificate.checkIP(host)) !== undefined;
}

/**
 * Says whether the chain that is served leads to an authority that clients know.
 * @param chain the server's certificate first
 * @param roots authorities that every client of this kind knows
 */
export function chainCheck(chain: readonly X509Certificate[], roots: readonly X509Certificate[]): Check {
  const name = "certificate-chain";
  const wrong = chain.findIndex((one, n) => chain[n + 1] !== undefined && !isIssuedBy(one, chain[n + 1]));
  if (wrong !== -1) {
    const found = `certificate ${wrong + 2} of the file did not issue the one before it`;
    return fail(name, found, "put the server's certificate first, then each time the one that issued it");
  }
  const last = chain.at(-1);
  if (last === undefined) return fail(name, "there is no certificate", "name a PEM file with --tls-cert");
  const root = roots.find((one) => one.fingerprint256 === last.fingerprint256 || isIssuedBy(last, one));
  if (root !== undefined) return pass(name, `complete, to ${oneLine(root.subject)}, which systems know`);
  if (isIssuedBy(last, last)) {
    const found = `complete, to ${oneLine(last.subject)}, which systems do not know`;
    return warn(name, found, "give that certificate to whoever connects, as --ca");
  }
  const issuer = oneLine(last.issuer);
  const uri = /CA Issuers - URI:(\S+)/.exec(last.infoAccess ?? "")?.[1];
  if (uri !== undefined) {
    const found = `it ends before an authority that systems know: ${issuer} is missing`;
    return fail(name, found, `append that certificate (${uri}) to the file of the hub's certificate`);
  }
  const todo = `if ${issuer} is an intermediate, append its certificate to the file; if it is your own authority, give it to whoever connects, as --ca`;
  return warn(name, `it ends at ${issuer}, which systems do not know`, todo);
}

/** A distinguished name on one line. */
export function oneLine(name: string): string {
  return name.split("\n").join(", ");
}

function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate | undefined): boolean {
  return issuer !== undefined && certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}
