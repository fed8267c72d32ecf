import type { X509Certificate } from "node:crypto";
import { namesOf, oneLine } from "./certificate-rules.ts";
import { fail, pass, warn, type Check } from "@sallyport/agent";
import { checkLimits } from "./limits.ts";
import type { Answer, TlsSeen, Upgraded } from "./reach.ts";

/** Says whether TLS at the hub's address is the hub's own. @param own the certificate that the hub has */
export function servedTlsCheck(seen: TlsSeen, own: X509Certificate, hasProxies: boolean): Check {
  const name = "url-tls";
  const [leaf] = seen.chain;
  if (leaf === undefined) return noTls(name, seen);
  if (leaf.fingerprint256 === own.fingerprint256) return pass(name, "the hub's own certificate is served");
  const found = `another certificate than the hub's is served: ${oneLine(leaf.subject)}, issued by ${oneLine(leaf.issuer)}, SHA-256 ${leaf.fingerprint256}`;
  if (seen.problem !== undefined) {
    const todo =
      "find out what answers there: something intercepts TLS, or the URL leads elsewhere; a certificate that was just replaced is taken up with SIGHUP";
    return fail(name, `${found}; it can't be verified (${seen.problem})`, todo);
  }
  if (hasProxies) return pass(name, `${found}; it is verified, and there are trustedProxies`);
  const todo =
    "if a load balancer of yours ends TLS there, name it in trustedProxies; otherwise something intercepts TLS";
  return warn(name, found, todo);
}

/** Says whether a client can verify the hub; if not, what `--ca` has to be. */
export function clientTlsCheck(seen: TlsSeen, host: string, nowMs: number): Check {
  const name = "url-tls";
  const [leaf] = seen.chain;
  if (leaf === undefined) return noTls(name, seen);
  const days = Math.floor((leaf.validToDate.getTime() - nowMs) / 86_400_000);
  switch (seen.problem) {
    case undefined: {
      const found = `verified; ${oneLine(leaf.subject)}, issued by ${oneLine(leaf.issuer)}, ${days} days left`;
      if (days >= checkLimits.minCertificateDays) return pass(name, found);
      return warn(name, found, "tell the hub's operator to renew it");
    }
    case "ERR_TLS_CERT_ALTNAME_INVALID":
      return fail(
        name,
        `the certificate is not for ${host}, only for ${namesOf(leaf)}`,
        "use a name that it has",
      );
    case "CERT_HAS_EXPIRED":
      return fail(
        name,
        `the certificate, or one above it, has expired (the first on ${leaf.validToDate.toISOString()})`,
        "set this machine's clock if it is wrong; otherwise the hub's operator has to renew it",
      );
    case "CERT_NOT_YET_VALID":
      return fail(name, "the certificate is not valid yet", "set this machine's clock");
    default: {
      const top = seen.chain.at(-1) ?? leaf;
      const found = `its certificate ${oneLine(leaf.subject)} can't be verified (${seen.problem})`;
      const todo = `give --ca with the certificate of ${oneLine(top.issuer)}: of a hub's own authority it is tls/ca.pem in the hub's data folder. If you expected a public authority, something intercepts TLS (SHA-256 ${leaf.fingerprint256})`;
      return fail(name, found, todo);
    }
  }
}

function noTls(name: string, { problem }: TlsSeen): Check {
  const todo = "see that the port is the hub's, and that nothing in front speaks plain HTTP there";
  return fail(name, `no TLS there (${problem ?? "no certificate"})`, todo);
}

/** Says whether what answers is a hub that takes work. */
export function readyCheck(answer: Answer): Check {
  const name = "url-readyz";
  const status = statusOf(answer.text);
  if (answer.status === 200 && status === "ok") return pass(name, "/readyz is 200: the hub takes work");
  if (answer.status === 503 && status !== undefined) {
    const todo = "see the hub's log: it is stopping, or its log can't be written (is the disk full?)";
    return fail(name, `/readyz is 503: ${status}`, todo);
  }
  const gateway = [502, 503, 504].includes(answer.status);
  return fail(
    name,
    `/readyz is ${answer.status}, and not from a hub`,
    gateway
      ? "see whether the hub runs, and that the proxy in front leads to the address where it listens"
      : "something else answers at this URL: correct the URL, or what is in front of the hub",
  );
}

function statusOf(text: string): string | undefined {
  try {
    const { status } = JSON.parse(text) as { status?: unknown };
    return typeof status === "string" ? status.slice(0, 80) : undefined;
  } catch {
    // No JSON: no hub.
    return undefined;
  }
}

/** Compares this machine's clock with the Date header of an answer. @param sentMs, receivedMs epoch ms by this machine's clock */
export function clockCheck(date: string | undefined, sentMs: number, receivedMs: number): Check {
  const name = "url-clock";
  const theirsMs = Date.parse(date ?? "");
  if (Number.isNaN(theirsMs)) {
    return warn(name, "the answer has no Date header", "see what is in front of the hub takes it out");
  }
  // The header's second may have begun up to a second before; the rest is the way there and back.
  const early = Math.max(0, theirsMs - receivedMs);
  const late = Math.max(0, sentMs - (theirsMs + 1000));
  const skewS = Math.round(Math.max(early, late) / 1000);
  const found =
    skewS === 0
      ? "the clocks agree"
      : `the clocks differ by ${skewS} s (${early > 0 ? "this one is behind" : "this one is ahead"})`;
  const todo = "set both clocks by NTP (timedatectl)";
  if (skewS > checkLimits.clockFailS) return fail(name, found, todo);
  return skewS > checkLimits.clockWarnS ? warn(name, found, todo) : pass(name, found);
}

/** Says whether primaries get a WebSocket through whatever is in front of the hub. */
export function upgradeCheck(upgraded: Upgraded): Check {
  const name = "url-websocket";
  if (upgraded.status === 101) {
    if (!upgraded.isAccepted) {
      return fail(
        name,
        "101, but not for this request",
        "something in front answers upgrades itself: look there",
      );
    }
    if (upgraded.isClosedByPeer) {
      const known = upgraded.isHub ? "" : " (without the hub's tracking id: a proxy takes headers out)";
      return pass(name, `/nbwss: upgraded with 101, closed by both sides${known}`);
    }
    const todo = "see that what is in front of the hub passes bytes in both directions after an upgrade";
    return fail(name, "101, but the hub's side of the closing never came back", todo);
  }
  const todos: Record<number, string> = {
    503: "the hub is stopping, or too many connections have not proved themselves (maxUnproven); try again",
    502: "the proxy in front does not reach the hub with an upgrade",
    504: "the proxy in front does not reach the hub with an upgrade",
  };
  const passOn =
    "have what is in front of the hub pass upgrades on; nginx: proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade";
  return fail(name, `/nbwss answered ${upgraded.status} to an upgrade`, todos[upgraded.status] ?? passOn);
}
