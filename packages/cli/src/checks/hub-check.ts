import type { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { getCACertificates } from "node:tls";
import { checkKeyPair, parseAddress, type HubSettings } from "@sallyport/hub";
import { chainCheck, namesCheck, readCertificates, validityCheck } from "./certificate-rules.ts";
import { checksOf, fail, pass, warn, type Check } from "@sallyport/agent";
import { checkFolder, type FolderOptions } from "./folder-checks.ts";
import { ownershipOf } from "./machine.ts";
import { servedTlsCheck } from "./reach-rules.ts";
import { checkWay } from "./reach-steps.ts";
import { addressOf } from "./reach.ts";

/** Checks a hub on its own machine: folder, certificate, and the way to it from outside as far as it can be gone from here. */
export async function checkHub(settings: HubSettings, options: FolderOptions): Promise<Check[]> {
  const { checks, isRunning } = await checkFolder(settings, options);
  const certificate = checkCertificate(settings, Date.now());
  checks.push(...certificate.checks);
  const [leaf] = certificate.chain;
  if (leaf === undefined) return checks;
  for (const url of urlsOf(settings)) {
    const ca = [...getCACertificates("default"), ...certificate.chain.map(String)];
    const steps = await checkWay(
      { url, ca, isPartialChainEnough: true },
      {
        judgeTls: (seen) => servedTlsCheck(seen, leaf, settings.trustedProxies.length > 0),
        mayBeSilent: isRunning === false,
      },
    );
    checks.push(...checksOf(url.origin, steps));
  }
  if (settings.publicUrl === undefined) checks.push(noPublicUrlCheck(settings));
  return checks;
}

/** Where primaries and people reach the hub; without a public URL it is where it listens, unless that is any port. */
function urlsOf({ publicUrl, moreUrls, listen }: HubSettings): URL[] {
  const own = publicUrl ?? listenUrl(listen);
  return [...(own === undefined ? [] : [own]), ...moreUrls].map((text) => new URL(text));
}

function listenUrl(listen: string): string | undefined {
  const { host = "", port = 0 } = parseAddress(listen) ?? {};
  if (port === 0) return undefined;
  const name = host === "0.0.0.0" || host === "::" ? hostname() : host;
  return `https://${name.includes(":") ? `[${name}]` : name}:${port}`;
}

function noPublicUrlCheck({ listen }: HubSettings): Check {
  const url = listenUrl(listen);
  const found = `none is set; primaries are told ${url ?? "whatever port is free"}`;
  return warn("public-url", found, "set --public-url to the address at which primaries reach the hub");
}

interface CertificateFound {
  checks: Check[];
  /** What the hub has, its own certificate first; empty when there is none to use. */
  chain: X509Certificate[];
}

function checkCertificate(settings: HubSettings, nowMs: number): CertificateFound {
  const { tls, data } = settings;
  const isOwn = tls.cert === undefined || tls.key === undefined;
  const certFile = tls.cert ?? join(data, "tls/server.pem");
  const keyFile = tls.key ?? join(data, "tls/server.key");
  const name = "certificate";
  let chain: X509Certificate[];
  try {
    if (isOwn && ownershipOf(certFile) === undefined) {
      const found = "none yet; the hub makes an authority and a certificate of its own";
      return { checks: [pass(name, found)], chain: [] };
    }
    const cert = readFileSync(certFile, "utf8");
    checkKeyPair({ cert, key: readFileSync(keyFile, "utf8") });
    chain = readCertificates(isOwn ? cert + readFileSync(join(data, "tls/ca.pem"), "utf8") : cert);
  } catch (error) {
    const found = `${certFile} with ${keyFile} can't be used: ${(error as Error).message}`;
    const todo = isOwn
      ? "run this as the hub's user; if the files are damaged, take them from a backup: endpoints pin the certificate"
      : "name a PEM certificate and the key that belongs to it, readable for the hub's user";
    return { checks: [fail(name, found, todo)], chain: [] };
  }
  const [leaf] = chain;
  if (leaf === undefined) return { checks: [fail(name, `${certFile} is empty`, "name a PEM file")], chain };
  const hosts = urlsOf(settings).map((url) => addressOf(url).host);
  const checks = [
    pass(name, `${certFile} and its key belong together`),
    validityCheck(leaf, nowMs, isOwn),
    ...(hosts.length === 0 ? [] : [namesCheck(leaf, [...new Set(hosts)], isOwn)]),
    isOwn
      ? pass(
          "certificate-chain",
          `of the hub's own authority; whoever connects needs ${join(data, "tls/ca.pem")}`,
        )
      : chainCheck(chain, getCACertificates("default").flatMap(readCertificates)),
  ];
  return { checks, chain };
}
