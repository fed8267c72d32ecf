import type { Webhook } from "@sallyport/hub";
import { toPairs } from "./label-pairs.ts";

/** Counting what waits stops here. */
const countedBacklog = 10_000;

/** How many events wait, as far as the hub counts. */
export function backlogText(backlog: number): string {
  return backlog >= countedBacklog ? `${countedBacklog} or more` : String(backlog);
}

/** What people know a webhook by: what it is for, or where it sends to. */
export function webhookName({ description, url }: Pick<Webhook, "description" | "url">): string {
  return description.trim() === "" ? new URL(url).host : description;
}

/** Which events a webhook gets, in a few words. */
export function wishText({
  types,
  primaries,
  labels,
}: Pick<Webhook, "types" | "primaries" | "labels">): string {
  const of = [
    toPairs(labels).join(", "),
    primaries.length === 0 ? "" : `${primaries.length} ${primaries.length === 1 ? "primary" : "primaries"}`,
  ].filter((part) => part !== "");
  const what = types.length === 0 ? "all events" : types.join(", ");
  return of.length === 0 ? what : `${what} of ${of.join(" among ")}`;
}

/** What to do about a webhook that the hub has disabled by itself. */
export function disabledAdvice(reason: string): string {
  if (reason === "gone")
    return "The receiver answered 410: it does not want events any more. Remove the webhook, or give it another address and enable it.";
  return "The receiver has taken nothing for days. Mend it, send a test event, then enable the webhook: it goes on where it stopped.";
}
