import type { Inbox } from "../inbox/inbox.ts";
import type { Registry } from "../connections/registry.ts";
import type { BackupRow, BackupsView } from "../fleet/backups-view.ts";
import type { JobsView } from "../fleet/jobs-view.ts";
import { gapAdvice, gapText } from "../inbox/gap-text.ts";
import type { PrimariesView } from "../views/primaries.ts";
import type { GapRecord, TimelineView } from "../views/timeline.ts";
import type { AlertRuleRecord } from "./alerts-view.ts";
import type { Facts, OpenAlert, WatchedBackup, WatchedPrimary } from "./evaluate.ts";

/** What the facts are taken from. */
export interface AlertFactsOptions {
  primaries: Pick<PrimariesView, "list">;
  timeline: Pick<TimelineView, "lastGaps">;
  registry: Pick<Registry, "summaryOf">;
  backups: Pick<BackupsView, "withoutGoodSince" | "get">;
  jobs: Pick<JobsView, "firstBackup">;
  inbox: Pick<Inbox, "waitingSinceMs">;
  /** Rows of backups that are looked at. */
  maxBackups: number;
  /**
   * When each primary was last found connected, epoch ms; kept up to date here. A connection that has just ended is no longer there, and
   * its end is not yet in the log: the log still says when it began.
   */
  foundConnected: Map<string, number>;
}

const hourMs = 3_600_000;

/** Gathers what alerts are decided by; of what is well, only as much as open alerts are about. */
export function gatherFacts(
  options: AlertFactsOptions,
  rules: readonly AlertRuleRecord[],
  open: readonly OpenAlert[],
  times: { nowMs: number; watchingSinceMs: number; viewsBehindSinceMs: number | null },
): Facts {
  const { watchingSinceMs, viewsBehindSinceMs, nowMs } = times;
  const behind = [options.inbox.waitingSinceMs, viewsBehindSinceMs].filter((ms) => ms !== null);
  return {
    primaries: primariesOf(options, nowMs),
    backups: backupsOf(options, rules, open, nowMs),
    behindSinceMs: behind.length === 0 ? null : Math.min(...behind),
    watchingSinceMs,
  };
}

function primariesOf(
  { primaries, registry, timeline, foundConnected }: AlertFactsOptions,
  nowMs: number,
): Map<string, WatchedPrimary> {
  const before = new Map(foundConnected);
  const gaps = timeline.lastGaps();
  foundConnected.clear();
  const watched = primaries.list().map((record): [string, WatchedPrimary] => {
    const { state, lastSeenAt } = registry.summaryOf(record);
    const { id, name, labels } = record;
    const isConnected = state === "connected";
    const foundMs = isConnected ? nowMs : before.get(id);
    if (foundMs !== undefined) foundConnected.set(id, foundMs);
    const loggedMs = lastSeenAt === null ? undefined : Date.parse(lastSeenAt);
    const lastSeenMs = Math.max(loggedMs ?? -Infinity, foundMs ?? -Infinity);
    const seen = { isConnected, lastSeenMs: lastSeenMs === -Infinity ? null : lastSeenMs };
    return [id, { id, name, labels, ...seen, lastGap: watchedGap(gaps.get(id)) }];
  });
  return new Map(watched);
}

function watchedGap(gap: GapRecord | undefined): WatchedPrimary["lastGap"] {
  if (gap === undefined) return null;
  return { atMs: Date.parse(gap.time), message: gapText(gap.data), advice: gapAdvice(gap.data) };
}

function backupsOf(
  { backups, jobs, maxBackups }: AlertFactsOptions,
  rules: readonly AlertRuleRecord[],
  open: readonly OpenAlert[],
  nowMs: number,
): WatchedBackup[] {
  const hours = rules.flatMap(({ condition, enabled }) =>
    enabled && condition.kind === "no_good_backup" ? [condition.hours] : [],
  );
  const found = new Map<string, BackupRow>();
  const add = (row: BackupRow) => found.set(`${row.primary_id}\n${row.client}\n${row.policy}`, row);
  if (hours.length > 0) {
    for (const row of backups.withoutGoodSince(nowMs - Math.min(...hours) * hourMs, maxBackups)) add(row);
  }
  for (const { kind, target } of open) {
    if (kind !== "no_good_backup") continue;
    const [primaryId, client, policy] = JSON.parse(target) as [string, string, string];
    const row = backups.get(primaryId, client, policy);
    if (row !== undefined) add(row);
  }
  return [...found.values()].map(({ primary_id: primaryId, client, policy, good_ms: goodMs }) => {
    const first = goodMs === null ? jobs.firstBackup(primaryId, client, policy) : undefined;
    return { primaryId, client, policy, goodMs, knownSinceMs: first ?? goodMs ?? nowMs };
  });
}
