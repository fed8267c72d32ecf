import type { KnownData } from "../log/known-events.ts";

/** What is known of a gap. */
export type GapFacts = Pick<
  KnownData<"sallyport.notifications.gap">,
  "count" | "since" | "until" | "reason" | "groupId"
>;

const reasons: Readonly<Record<string, string>> = {
  outbox_full: "its outbox was full before they were delivered",
  too_large: "they were too large to be sent",
  endpoint_went_back: "the hub had them once and has lost them, such as by a restore from a backup",
  journal_replaced:
    "its outbox was replaced or its endpoint was added anew, so what was left in it is not known",
  not_announced: "they were left out, and it says nothing of it",
};

const advices: Readonly<Record<string, string>> = {
  outbox_full: "Look on the primary for the jobs of that time, and see to it that it reaches the hub.",
  too_large: "Look on the primary for that job or image; its log names it (notification.too_large).",
  endpoint_went_back:
    "What is missing is on the primary still, in its lists of jobs and images, though not as notifications.",
  journal_replaced: "If nobody replaced its data folder or its endpoint, find out who did.",
  not_announced: "Compare with the primary's lists of jobs and images; report it, with its version.",
};

/** A gap in one sentence, without its full stop. */
export function gapText({ count, since, until, reason, groupId }: GapFacts): string {
  const size = count === null ? "an unknown number of notifications is" : countText(count);
  const time = since === null && until === null ? "" : `, made ${since ?? "?"} to ${until ?? "?"}`;
  return `${size} missing for group ${groupId}${time}: ${reasons[reason] ?? reason.replaceAll("_", " ")}`;
}

/** What to do about a gap. */
export function gapAdvice({ reason }: Pick<GapFacts, "reason">): string {
  return advices[reason] ?? "See the primary's log.";
}

function countText(count: number): string {
  return count === 1 ? "1 notification is" : `${count} notifications are`;
}
