import type { AlertCondition } from "../api/alerts-schemas.ts";
import type { Evaluation, Facts, WatchedBackup, WatchedPrimary } from "./evaluate.ts";

/** Something that a rule looks at. `unsure`: an open alert stays, and no new one is raised. */
export interface Finding {
  target: string;
  primaryId: string | null;
  state: "good" | "unsure" | "bad";
  message: string;
  advice: string;
}

const minuteMs = 60_000;
const hourMs = 3_600_000;

/** What a rule looks at, and how each of it stands. */
export function findingsOf(condition: AlertCondition, evaluation: Evaluation): Finding[] {
  switch (condition.kind) {
    case "no_good_backup":
      return missingBackups(condition, evaluation);
    case "primary_silent":
      return silentPrimaries(condition, evaluation);
    case "notifications_missing":
      return missingNotifications(condition, evaluation);
    case "inbox_behind":
      return [inboxBehind(condition, evaluation)];
  }
}

type Condition<K extends AlertCondition["kind"]> = Extract<AlertCondition, { kind: K }>;

function matches(
  { labels, primaries }: { labels: Record<string, string>; primaries: string[] },
  primary: WatchedPrimary,
): boolean {
  if (primaries.length > 0 && !primaries.includes(primary.id)) return false;
  return Object.entries(labels).every(([name, value]) => primary.labels[name] === value);
}

function missingBackups(
  condition: Condition<"no_good_backup">,
  { facts, nowMs, graceMs }: Evaluation,
): Finding[] {
  const { hours, policy, client } = condition;
  const isSettled = nowMs - facts.watchingSinceMs >= graceMs;
  return facts.backups.flatMap((backup) => {
    const primary = facts.primaries.get(backup.primaryId);
    if (primary === undefined || !matches(condition, primary)) return [];
    if (policy !== undefined && policy !== backup.policy) return [];
    if (client !== undefined && client !== backup.client) return [];
    const isMissing = (backup.goodMs ?? backup.knownSinceMs) < nowMs - hours * hourMs;
    const what = `client "${backup.client}" by policy "${backup.policy}" of "${primary.name}"`;
    const last =
      backup.goodMs === null
        ? `none is known since ${iso(backup.knownSinceMs)}`
        : `the last one began ${iso(backup.goodMs)}`;
    return {
      target: targetOf(backup),
      primaryId: primary.id,
      state: missingState(isMissing, isSettled),
      message: `No good backup of ${what} for ${hours} h: ${last}.`,
      advice: primary.isConnected
        ? `See why its jobs failed or did not start: sallyport jobs list --primary ${primary.name} --client ${backup.client}. If it is no longer to be backed up, acknowledge and mute this.`
        : "Its primary is not connected: bring it back first; it then tells what it has done meanwhile.",
    };
  });
}

function missingState(isMissing: boolean, isSettled: boolean): Finding["state"] {
  if (!isMissing) return "good";
  return isSettled ? "bad" : "unsure";
}

/** What of a backup rule an alert is about. */
export function targetOf({
  primaryId,
  client,
  policy,
}: Omit<WatchedBackup, "goodMs" | "knownSinceMs">): string {
  return JSON.stringify([primaryId, client, policy]);
}

/** One that has never been there is not silent, but not set up yet: the list of primaries says so. */
function silentPrimaries(condition: Condition<"primary_silent">, { facts, nowMs }: Evaluation): Finding[] {
  const patienceMs = condition.minutes * minuteMs;
  return [...facts.primaries.values()].flatMap((primary) => {
    const { id, name, lastSeenMs, isConnected } = primary;
    if (!matches(condition, primary)) return [];
    const seenMs = lastSeenMs ?? facts.watchingSinceMs;
    return {
      target: id,
      primaryId: id,
      state: isConnected || lastSeenMs === null ? "good" : silentState(seenMs, patienceMs, facts, nowMs),
      message: `No sign of life of "${name}" for ${condition.minutes} min: it was last seen ${iso(seenMs)}.`,
      advice: `Check that it runs and reaches the hub; its timeline says how its last connection ended: GET /api/v1/primaries/${id}/timeline.`,
    };
  });
}

/** A gap stays for good; it is shown for so many hours, so that somebody looks. */
function missingNotifications(
  condition: Condition<"notifications_missing">,
  { facts, nowMs }: Evaluation,
): Finding[] {
  return [...facts.primaries.values()].flatMap((primary) => {
    const { id, name, lastGap } = primary;
    if (!matches(condition, primary)) return [];
    const isRecent = lastGap !== null && nowMs - lastGap.atMs < condition.hours * hourMs;
    return {
      target: id,
      primaryId: id,
      state: isRecent ? "bad" : "good",
      message: `Of "${name}", ${lastGap?.message ?? "no notification is missing"}.`,
      advice: lastGap?.advice ?? "",
    };
  });
}

function silentState(seenMs: number, patienceMs: number, facts: Facts, nowMs: number): Finding["state"] {
  const isInFuture = seenMs > nowMs;
  if (!isInFuture && nowMs - seenMs < patienceMs) return "good";
  // While the hub was away it could not be seen; after a step of the clock it is as if the hub had been.
  const watchedMs = nowMs - (isInFuture ? facts.watchingSinceMs : Math.max(seenMs, facts.watchingSinceMs));
  return watchedMs >= patienceMs ? "bad" : "unsure";
}

function inboxBehind({ seconds }: Condition<"inbox_behind">, { facts, nowMs }: Evaluation): Finding {
  const { behindSinceMs } = facts;
  const isBad = behindSinceMs !== null && nowMs - behindSinceMs >= seconds * 1000;
  return {
    target: "hub",
    primaryId: null,
    state: behindSinceMs === null ? "good" : isBad ? "bad" : "unsure",
    message: `What primaries have sent waits to be stored or shown for ${seconds} s: since ${iso(behindSinceMs ?? nowMs)}.`,
    advice:
      "See whether the hub's disk is full or slow, and what its log says (views.behind, notification.not_stored).",
  };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
