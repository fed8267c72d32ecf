import { systemClock } from "@sallyport/nbwss";
import type { Check, CheckDescription } from "../check.ts";
import { makeReport, type Report } from "../report.ts";
import { runChecks, type Progress } from "../runner.ts";
import { badMessageChecks } from "./bad-messages.ts";
import { commandChecks } from "./commands.ts";
import { connectChecks } from "./connect.ts";
import { envelopeChecks } from "./envelope.ts";
import { keepAliveChecks } from "./keep-alive.ts";
import { notificationChecks } from "./notifications.ts";
import { EndpointPeer, type EndpointPeerOptions } from "./peer.ts";
import { sizeChecks } from "./sizes.ts";
import { transportChecks } from "./transport.ts";

/** Every check of an endpoint, in the order in which they run. */
export const endpointChecks: readonly Check<EndpointPeer>[] = [
  ...transportChecks,
  ...connectChecks,
  ...envelopeChecks,
  ...badMessageChecks,
  ...notificationChecks,
  ...sizeChecks,
  ...commandChecks,
  ...keepAliveChecks,
];

/** How an endpoint is tested. */
export interface EndpointTest extends Omit<EndpointPeerOptions, "waiting"> {
  /** Runs only the checks whose id holds this text, or matches it as a pattern with `*`. */
  only?: string | undefined;
  /** Runs those too that wait for minutes. */
  slow?: boolean | undefined;
  progress?: Progress | undefined;
}

/**
 * Plays a strict primary against a cloud endpoint and reports which rules it keeps (NBWSS 1.0). Never rejects for what the endpoint
 * does: that is in the report.
 */
export async function testEndpoint(options: EndpointTest): Promise<Report> {
  const { only, slow = false, progress } = options;
  const peer = new EndpointPeer({ ...options, waiting: (forWhat) => progress?.waiting?.(forWhat) });
  const skipReason = ({ needs }: CheckDescription) => {
    if (needs === "slow" && !slow) return "it waits for minutes; add --slow";
    if (needs === "command" && peer.timing.commandMs === undefined) {
      return "it needs a command of the cloud application; add --expect-command";
    }
    return undefined;
  };
  const clock = options.clock ?? systemClock;
  const results = await runChecks(endpointChecks, peer, { clock, only, skipReason, progress });
  return makeReport("endpoint", peer.url.href, results);
}
