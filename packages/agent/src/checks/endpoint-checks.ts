import { NbwssError, proxyFor } from "@sallyport/nbwss";
import type { ListedEndpoint } from "../endpoints/administration.ts";
import { reachEndpoint, type Egress } from "../endpoints/trust.ts";
import { checksOf, fail, hasFailed, pass, skip, type Check } from "./check.ts";
import { AgentError } from "../errors.ts";
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
  const name = proxy === undefined ? "tls" : "proxy and tls";
  const tls = await reachEndpoint(endpoint, egress, timeoutMs).then(
    () => pass(name, "shows the certificate that was accepted, and its chain is trusted"),
    (error: Error) => fail(name, error.message, remedyOf(error, hostName)),
  );
  if (tls.state === "fail") return [...way, ...checksOf(hostName, [tls])];
  const failure = await tryToken(hostName).then(
    () => undefined,
    (error: unknown) => error,
  );
  return [...way, ...checksOf(hostName, [tls, judgeToken(endpoint, failure)])];
}

/** What to do about an endpoint to which TLS could not be established. */
export function remedyOf(error: Error, hostName: string): string {
  if (error instanceof AgentError && error.code === "certificate_changed")
    return `if it was changed on purpose: sallyport endpoint update ${hostName}`;
  if (error.message.includes(" 407 ")) return "name the proxy's user and password: --proxy-credential-file";
  if (error.message.includes("tunnel"))
    return "let the proxy connect there, or name another (--proxy), or none for this host (NO_PROXY)";
  return "start the agent with --ca, the file with the authority of the endpoint's certificate; where that is named already, something on the way may open TLS or cut it";
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
