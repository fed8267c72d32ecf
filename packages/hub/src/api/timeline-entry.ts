import { advice, causeOf, type Cause } from "../connections/cause.ts";
import type { KnownData } from "../log/known-events.ts";
import type { TimelineRecord } from "../views/timeline.ts";
import { gapAdvice, gapText } from "../inbox/gap-text.ts";
import type { TimelineEntry } from "./primaries-schemas.ts";

const refusals: Record<KnownData<"sallyport.refusal">["why"], string> = {
  token_revoked: "a token that was revoked",
  token_expired: "a token whose overlap is over",
  token_in_use: "token in use from another place",
};

/** An entry of the timeline as the API shows it; cause and advice are found out when it is read. */
export function toTimelineEntry(record: TimelineRecord): TimelineEntry {
  const { position, time, event, data } = record;
  const trackingId = "trackingId" in data ? data.trackingId : null;
  const common = { position, time, event, groupId: data.groupId, trackingId };
  const open = { closeCode: null, closeReason: null, cause: null, durationMs: null, advice: null };
  switch (event) {
    case "connected":
      return { ...common, ...open, remoteAddress: data.remoteAddress };
    case "disconnected":
      return { ...common, ...endOf(time, data), remoteAddress: data.remoteAddress };
    case "refused": {
      const times = data.count > 1 ? ` (${data.count} times since the entry before)` : "";
      const closeReason = `${refusals[data.why]}${times}`;
      return { ...common, ...open, ...withAdvice("token"), remoteAddress: data.remoteAddress, closeReason };
    }
    case "gap":
      return { ...common, ...open, remoteAddress: null, closeReason: gapText(data), advice: gapAdvice(data) };
    case "token_shared": {
      const closeReason = `one token from ${data.addresses.join(" and ")} (${data.sign})`;
      return { ...common, ...open, ...withAdvice("token"), remoteAddress: null, closeReason };
    }
  }
}

function endOf(time: string, data: KnownData<"sallyport.connection.disconnected">) {
  const { connectedAt, lastSeenAt, closeCode, closeReason } = data;
  const endMs = Date.parse(time);
  const durationMs = connectedAt === null ? null : Math.max(0, endMs - Date.parse(connectedAt));
  const cause = causeOf({
    code: closeCode,
    reason: closeReason,
    durationMs: durationMs ?? undefined,
    silentMs: endMs - Date.parse(lastSeenAt),
  });
  return { ...withAdvice(cause), closeCode, closeReason, durationMs };
}

function withAdvice(cause: Cause): { cause: Cause; advice: string | null } {
  return { cause, advice: advice[cause] };
}
