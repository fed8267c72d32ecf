import { proxyFor } from "@sallyport/nbwss";
import type { ListedEndpoint } from "../endpoints/administration.ts";
import { reachEndpoint, type Egress } from "../endpoints/trust.ts";
import { tryCheck, type Check } from "./check.ts";
import { checkName, checkPort, targetOf } from "./network-checks.ts";

/** What one endpoint is checked with. */
export interface EndpointCheckTerms {
  egress: Egress;
  /** Of each step, ms. */
  timeoutMs: number;
}

/**
 * The way to an endpoint, step by step: name, port (the proxy's where there is one), TLS with the accepted certificate, token. The token is
 * judged by the connection that there is or was: to try it here would make a second one.
 */
export async function checkEndpoint(endpoint: ListedEndpoint, terms: EndpointCheckTerms): Promise<Check[]> {
  const { url, hostName } = endpoint;
  const { egress, timeoutMs } = terms;
  const proxy = proxyFor(new URL(url), egress.proxy);
  const target = targetOf(proxy ?? url);
  const name = proxy === undefined ? "tls" : "proxy and tls";
  const advice =
    "authority unknown: --ca; certificate changed on purpose: sallyport endpoint update; proxy: --proxy, --proxy-credential-file";
  return [
    await checkName(target),
    await checkPort(target, timeoutMs),
    await tryCheck({ name, subject: hostName, advice }, async () => {
      await reachEndpoint(endpoint, egress, timeoutMs);
      return "shows the certificate that was accepted, and its chain is trusted";
    }),
    judgeToken(endpoint),
  ];
}

/** What the connection that there is, or the last try, says of the token. */
export function judgeToken({ hostName, state, connectionState, failure }: ListedEndpoint): Check {
  const about = { name: "token", subject: hostName };
  if (connectionState === "CONNECTED") {
    return { ...about, outcome: "PASS", detail: "accepted: the endpoint is connected" };
  }
  if (state === "DEACTIVATED") return { ...about, outcome: "SKIP", detail: "the endpoint is deactivated" };
  if (failure !== undefined && /token/i.test(failure)) {
    const advice = "ask the operator of the cloud side for new endpoint details, and add them";
    return { ...about, outcome: "FAIL", detail: failure, advice };
  }
  const detail = failure ?? "not connected: another endpoint of its group is, or none could be tried yet";
  return { ...about, outcome: "SKIP", detail };
}
