import { group, type Check } from "../check.ts";
import { forms } from "../forms.ts";
import { jobEntry, freshJobId } from "../items.ts";
import { message } from "../message.ts";
import type { EndpointPeer } from "./peer.ts";

/** The same messages, written in each way that JSON and NBWSS allow. */
export const envelopeChecks: Check<EndpointPeer>[] = group(
  "envelope",
  forms.map(({ write, ...form }) => ({
    ...form,
    level: "MUST" as const,
    async run(peer: EndpointPeer) {
      const request = peer.connectRequest();
      await using wire = await peer.openWith(write(request));
      await peer.accepted(wire, request.id);
      const notification = message("NOTIFICATION REQUEST", [
        jobEntry(freshJobId(), { policyName: "Vienna/täglich 備份 💾 \u0007" }),
      ]);
      wire.sendText(write(notification));
      await peer.acknowledged(wire, notification.id);
    },
  })),
);
