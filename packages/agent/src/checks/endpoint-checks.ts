import { NbwssError, proxyFor } from "@sallyport/nbwss";
import type { ListedEndpoint } from "../endpoints/administration.ts";
import { reachEndpoint, type Egress } from "../endpoints/trust.ts";
import { attempt, checksOf, fail, hasFailed, pass, skip, type Check } from "./check.ts";
import { checkReach, targetOf } from "./network-checks.ts";

/** What one endpoint is checked with. */
export interface EndpointCheckTerms {
  egress: Egress;
  /** Of each step, ms. */
  timeoutMs: number;
  /** Shows the endpoint the token, beside the connection that there may be. @throws NbwssError */
  tryToken: (hostName: string) => Promise<void>;
}

/**
 * The way to an endpoint, step by step: name, port (the proxy's where there is one), TLS with the accepted certificate, token; ends at what
 * fails.
 */
export async function checkEndpoint(endpoint: ListedEndpoint, terms: EndpointCheckTerms): Promise<Check[]> {
  const { url, hostName } = endpoint;
  const { egress, timeoutMs, tryToken } = terms;
  const proxy = proxyFor(new URL(url), egress.proxy);
  const way = await checkReach(targetOf(proxy ?? url), timeoutMs);
  if (hasFailed(way)) return way;
  const todo =
    "authority unknown: --ca; certificate changed on purpose: sallyport endpoint update; proxy: --proxy, --proxy-credential-file";
  const tls = await attempt(proxy === undefined ? "tls" : "proxy and tls", todo, async () => {
    await reachEndpoint(endpoint, egress, timeoutMs);
    return "shows the certificate that was accepted, and its chain is trusted";
  });
  if (tls.state === "fail") return [...way, ...checksOf(hostName, [tls])];
  const failure = await tryToken(hostName).then(
    () => undefined,
    (error: unknown) => error,
  );
  return [...way, ...checksOf(hostName, [tls, judgeToken(endpoint, failure)])];
}

const newDetails = "ask the operator of the cloud side for new endpoint details, and add them";

/**
 * What came of showing the endpoint the token. One of NBWSS 1.0 alone can only be shown it with a second connection, which would throw the
 * first one out: there the connection that is or was says what there is to know.
 * @param failure what `tryToken` failed with; undefined when it did not
 */
export function judgeToken(endpoint: ListedEndpoint, failure: unknown): Check {
  if (failure === undefined) return pass("token", "accepted, on a probe beside the connection");
  const code = failure instanceof NbwssError ? failure.code : undefined;
  const { message } = failure as Error;
  if (code === "token_refused") return fail("token", message, newDetails);
  if (code !== "probe_unsupported") {
    const todo = "an upgrade to a WebSocket has to get through what is in front of the endpoint";
    return fail("token", `it could not be shown: ${message}`, todo);
  }
  const { state, connectionState, failure: last } = endpoint;
  if (connectionState === "CONNECTED") return pass("token", "accepted: the endpoint is connected");
  if (last !== undefined && /token/i.test(last)) return fail("token", last, newDetails);
  const why =
    last ?? (state === "DEACTIVATED" ? "deactivated" : "another endpoint of its group is connected");
  return skip("token", `not tried: ${message}, and a second connection would throw the first out (${why})`);
}
