import assert from "node:assert/strict";
import { test } from "node:test";
import type { AlertCondition } from "../api/alerts-schemas.ts";
import type { AlertRuleRecord } from "./alerts-view.ts";
import { evaluate, type Evaluation, type Facts, type OpenAlert, type WatchedPrimary } from "./evaluate.ts";
import { targetOf } from "./findings.ts";

const nowMs = Date.parse("2026-11-24T12:00:00Z");
const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const everywhere = { labels: {}, primaries: [] };

const ruleOf = (condition: AlertCondition, more: Partial<AlertRuleRecord> = {}): AlertRuleRecord => ({
  id: "rule",
  name: "A rule",
  condition,
  enabled: true,
  createdAt: "",
  ...more,
});
const primaryOf = (more: Partial<WatchedPrimary> = {}): WatchedPrimary => ({
  id: "p",
  name: "vienna",
  labels: { site: "at" },
  isConnected: false,
  lastSeenMs: nowMs - 2 * hourMs,
  lastGap: null,
  ...more,
});
const backup = { primaryId: "p", client: "db1", policy: "nightly" };
const backupTarget = targetOf(backup);

interface Case {
  title: string;
  rule: AlertRuleRecord | undefined;
  primary?: WatchedPrimary | undefined;
  facts?: Partial<Facts>;
  /** The target of an alert that is open. */
  open?: string;
  mutedUntilMs?: number;
  maxOpen?: number;
  expected: string[];
}

/** What changes, in words. */
function run({ rule, facts, open, mutedUntilMs, maxOpen = 10, ...rest }: Case): string[] {
  const primary = "primary" in rest ? rest.primary : primaryOf();
  const kind = rule?.condition.kind ?? "primary_silent";
  const alert: OpenAlert = {
    id: "a",
    ruleId: "rule",
    target: open ?? "",
    kind,
    primaryId: kind === "inbox_behind" ? null : "p",
    message: "",
  };
  const evaluation: Evaluation = {
    rules: rule === undefined ? [] : [rule],
    open: open === undefined ? [] : [alert],
    mutes: new Map(mutedUntilMs === undefined ? [] : [["rule\np", new Date(mutedUntilMs).toISOString()]]),
    facts: {
      primaries: new Map(primary === undefined ? [] : [[primary.id, primary]]),
      backups: [],
      behindSinceMs: null,
      watchingSinceMs: nowMs - 48 * hourMs,
      ...facts,
    },
    nowMs,
    graceMs: 10 * minuteMs,
    maxOpen,
  };
  const { raise, resolve, notRaised } = evaluate(evaluation);
  return [
    ...raise.map(({ target }) => `raise ${target}`),
    ...resolve.map(({ reason }) => `resolve ${reason}`),
    ...(notRaised > 0 ? [`too many ${notRaised}`] : []),
  ];
}

const silent = ruleOf({ kind: "primary_silent", minutes: 60, ...everywhere });
const missing = ruleOf({ kind: "no_good_backup", hours: 26, ...everywhere });
const behind = ruleOf({ kind: "inbox_behind", seconds: 60 });
const aged = (hours: number) => [{ ...backup, goodMs: nowMs - hours * hourMs, knownSinceMs: 0 }];
const never = (hours: number) => [{ ...backup, goodMs: null, knownSinceMs: nowMs - hours * hourMs }];
const seen = (minutes: number) => primaryOf({ lastSeenMs: nowMs - minutes * minuteMs });
const watching = (minutes: number) => ({ watchingSinceMs: nowMs - minutes * minuteMs });

const lacking = ruleOf({ kind: "notifications_missing", hours: 24, ...everywhere });
const gapped = (hours: number) =>
  primaryOf({ lastGap: { atMs: nowMs - hours * hourMs, message: "3 are missing", advice: "look" } });

const cases: Case[] = [
  { title: "notifications are missing", rule: lacking, primary: gapped(1), expected: ["raise p"] },
  { title: "notifications are missing already", rule: lacking, open: "p", primary: gapped(1), expected: [] },
  { title: "notifications were missing yesterday", rule: lacking, primary: gapped(24), expected: [] },
  {
    title: "notifications have been missing for long enough to be looked at",
    rule: lacking,
    open: "p",
    primary: gapped(24),
    expected: ["resolve mended"],
  },
  { title: "no notification is missing", rule: lacking, expected: [] },
  { title: "a primary is silent", rule: silent, expected: ["raise p"] },
  { title: "a primary is silent to the minute", rule: silent, primary: seen(60), expected: ["raise p"] },
  { title: "a primary was just there", rule: silent, primary: seen(59), expected: [] },
  { title: "a primary is connected", rule: silent, primary: primaryOf({ isConnected: true }), expected: [] },
  {
    title: "a primary has never been there",
    rule: silent,
    primary: primaryOf({ lastSeenMs: null }),
    expected: [],
  },
  { title: "a primary is silent already", rule: silent, open: "p", expected: [] },
  {
    title: "a silent primary is back",
    rule: silent,
    open: "p",
    primary: primaryOf({ isConnected: true }),
    expected: ["resolve mended"],
  },
  {
    title: "a silent primary was there since",
    rule: silent,
    open: "p",
    primary: seen(3),
    expected: ["resolve mended"],
  },
  { title: "the hub was away while a primary was not seen", rule: silent, facts: watching(30), expected: [] },
  { title: "the hub is back for long enough", rule: silent, facts: watching(60), expected: ["raise p"] },
  {
    title: "the hub was away while a primary was known to be silent",
    rule: silent,
    open: "p",
    facts: watching(1),
    expected: [],
  },
  {
    title: "the clock went back, so that it was last seen tomorrow",
    rule: silent,
    open: "p",
    primary: seen(-1440),
    facts: watching(1),
    expected: [],
  },
  {
    title: "the clock went back long ago",
    rule: silent,
    primary: seen(-1440),
    facts: watching(60),
    expected: ["raise p"],
  },
  {
    title: "a primary has another label",
    rule: ruleOf({ kind: "primary_silent", minutes: 60, labels: { site: "ch" }, primaries: [] }),
    expected: [],
  },
  {
    title: "a primary is not named",
    rule: ruleOf({ kind: "primary_silent", minutes: 60, labels: {}, primaries: ["q"] }),
    expected: [],
  },
  {
    title: "a primary is named",
    rule: ruleOf({ kind: "primary_silent", minutes: 60, labels: { site: "at" }, primaries: ["p"] }),
    expected: ["raise p"],
  },
  { title: "a rule is disabled", rule: { ...silent, enabled: false }, expected: [] },
  {
    title: "a rule is disabled while an alert is open",
    rule: { ...silent, enabled: false },
    open: "p",
    expected: ["resolve rule_changed"],
  },
  {
    title: "a rule is gone while an alert is open",
    rule: undefined,
    open: "p",
    expected: ["resolve rule_deleted"],
  },
  {
    title: "a primary is gone while an alert is open",
    rule: silent,
    open: "p",
    primary: undefined,
    expected: ["resolve primary_deleted"],
  },
  { title: "it is muted", rule: silent, mutedUntilMs: nowMs + 1, expected: [] },
  { title: "it was muted", rule: silent, mutedUntilMs: nowMs, expected: ["raise p"] },
  { title: "too many are open", rule: silent, maxOpen: 0, expected: ["too many 1"] },
  {
    title: "no good backup for long",
    rule: missing,
    facts: { backups: aged(27) },
    expected: [`raise ${backupTarget}`],
  },
  { title: "a good backup not long ago", rule: missing, facts: { backups: aged(26) }, expected: [] },
  {
    title: "never a good backup, known for long",
    rule: missing,
    facts: { backups: never(27) },
    expected: [`raise ${backupTarget}`],
  },
  {
    title: "never a good backup, known for a short time",
    rule: missing,
    facts: { backups: never(2) },
    expected: [],
  },
  {
    title: "no good backup, but the hub is not back for long",
    rule: missing,
    facts: { backups: aged(27), ...watching(9) },
    expected: [],
  },
  {
    title: "no good backup, known before the hub was away",
    rule: missing,
    open: backupTarget,
    facts: { backups: aged(27), ...watching(9) },
    expected: [],
  },
  {
    title: "a good backup again",
    rule: missing,
    open: backupTarget,
    facts: { backups: aged(1) },
    expected: ["resolve mended"],
  },
  {
    title: "nothing is known of a client any more",
    rule: missing,
    open: backupTarget,
    expected: ["resolve forgotten"],
  },
  {
    title: "a client's primary is gone",
    rule: missing,
    open: backupTarget,
    primary: undefined,
    expected: ["resolve primary_deleted"],
  },
  {
    title: "another policy is watched",
    rule: ruleOf({ kind: "no_good_backup", hours: 26, policy: "weekly", ...everywhere }),
    facts: { backups: aged(27) },
    expected: [],
  },
  {
    title: "another client is watched now",
    rule: ruleOf({ kind: "no_good_backup", hours: 26, client: "web", ...everywhere }),
    open: backupTarget,
    facts: { backups: aged(27) },
    expected: ["resolve rule_changed"],
  },
  {
    title: "the inbox is behind",
    rule: behind,
    facts: { behindSinceMs: nowMs - minuteMs },
    expected: ["raise hub"],
  },
  {
    title: "the inbox is behind for a moment",
    rule: behind,
    facts: { behindSinceMs: nowMs - 59_000 },
    expected: [],
  },
  {
    title: "the inbox is behind again, for a moment",
    rule: behind,
    open: "hub",
    facts: { behindSinceMs: nowMs - 1 },
    expected: [],
  },
  { title: "the inbox is no longer behind", rule: behind, open: "hub", expected: ["resolve mended"] },
];
for (const one of cases) {
  const { title, expected } = one;
  test(`alerts - ${title}: ${expected.join(", ") || "nothing changes"}`, () =>
    assert.deepEqual(run(one), expected));
}
