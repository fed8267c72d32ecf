import assert from "node:assert/strict";
import test from "node:test";
import { policySchema } from "../policies/policy.ts";
import { expirationOf, retentionOf, scheduleSchema } from "../policies/schedule.ts";
import type { LocalTime } from "./calendar.ts";
import { dueBackups, type ScheduleHistory } from "./due-backups.ts";

/** A place without summer time, two hours ahead of UTC. */
const local: LocalTime = {
  dateOf: (epochMs) => {
    const date = new Date(epochMs + 7_200_000);
    return { year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate() };
  },
  momentOf: ({ year, month, day }, seconds) => Date.UTC(year, month - 1, day, 0, 0, seconds) - 7_200_000,
};
const at = (text: string) => Date.parse(`${text}+02:00`);
const hour = 3600;

/** Every day from 22:00 for four hours, unless said otherwise. */
const nightly = (days = [1, 2, 3, 4, 5, 6, 7], startSeconds = 22 * hour, durationSeconds = 4 * hour) =>
  days.map((dayOfWeek) => ({ dayOfWeek, startSeconds, durationSeconds }));

const schedule = (scheduleName: string, rest: object = {}) => ({
  scheduleName,
  scheduleType: "Frequency",
  backupType: "Full Backup",
  frequencySeconds: 24 * hour,
  startWindow: nightly(),
  ...rest,
});

interface Scene {
  schedules: object[];
  now: string;
  successes?: Record<string, string>;
  failures?: Record<string, string>;
  attributes?: object;
  busy?: boolean;
  clients?: string[];
}

function due({
  schedules,
  now,
  successes = {},
  failures = {},
  attributes = {},
  busy = false,
  clients = ["a"],
}: Scene) {
  const policy = policySchema.parse({
    policyName: "p",
    policyType: "Standard",
    policyAttributes: attributes,
    clients: clients.map((hostName) => ({ hostName })),
    schedules,
    backupSelections: { selections: ["/home"] },
  });
  const read = (times: Record<string, string>, name: string) =>
    times[name] === undefined ? undefined : at(times[name]);
  const historyOf = (_policy: string, _client: string, name: string): ScheduleHistory => ({
    lastSuccessMs: read(successes, name),
    lastFailureMs: read(failures, name),
  });
  return dueBackups(
    { policies: [policy], isBusy: () => busy, historyOf },
    { nowMs: at(now), local, holdAfterFailureMs: 12 * hour * 1000 },
  ).map(({ schedule: { scheduleName }, clientName, windowEndMs }) => [
    scheduleName,
    clientName,
    new Date(windowEndMs + 7_200_000).toISOString().slice(0, 16),
  ]);
}

test("schedule - by frequency is due within its window, once for each client", () => {
  const schedules = [schedule("full")];
  assert.deepEqual(due({ schedules, now: "2026-03-04T21:59:59" }), []);
  assert.deepEqual(due({ schedules, now: "2026-03-04T22:00:00", clients: ["a", "b", "a"] }), [
    ["full", "a", "2026-03-05T02:00"],
    ["full", "b", "2026-03-05T02:00"],
  ]);
  assert.deepEqual(due({ schedules, now: "2026-03-05T01:59:59" }), [["full", "a", "2026-03-05T02:00"]]);
  assert.deepEqual(due({ schedules, now: "2026-03-05T02:00:00" }), []);
});

test("schedule - by frequency is due again only when its time has passed since the last success began", () => {
  const schedules = [schedule("full")];
  const successes = { full: "2026-03-03T22:00:10" };
  assert.deepEqual(due({ schedules, now: "2026-03-04T22:00:00", successes }), []);
  assert.equal(due({ schedules, now: "2026-03-04T22:00:10", successes }).length, 1);
});

test("schedule - without a window or for users is never due by itself", () => {
  for (const rest of [
    { startWindow: null },
    { startWindow: nightly([1, 2, 3, 4, 5, 6, 7], 0, 0) },
    { backupType: "User Backup" },
  ]) {
    assert.deepEqual(due({ schedules: [schedule("x", rest)], now: "2026-03-04T23:00:00" }), []);
  }
});

test("schedule - nothing is due of a policy that is inactive, not yet in force, or already being run", () => {
  const schedules = [schedule("full")];
  const now = "2026-03-04T23:00:00";
  assert.deepEqual(due({ schedules, now, attributes: { active: false } }), []);
  assert.deepEqual(due({ schedules, now, attributes: { effectiveDateUTC: "2026-03-05T00:00:00Z" } }), []);
  assert.equal(due({ schedules, now, attributes: { effectiveDateUTC: "2026-03-04T00:00:00Z" } }).length, 1);
  assert.deepEqual(due({ schedules, now, busy: true }), []);
});

test("schedule - of several that are due the one that takes most runs, and counts for the incremental ones", () => {
  const schedules = [
    schedule("diff", { backupType: "Differential Incremental Backup" }),
    schedule("weekly", { frequencySeconds: 7 * 24 * hour }),
    schedule("cumulative", { backupType: "Cumulative Incremental Backup", frequencySeconds: 2 * 24 * hour }),
  ];
  const names = (successes: Record<string, string>, now: string) =>
    due({ schedules, now, successes }).map(([name]) => name);
  assert.deepEqual(names({}, "2026-03-02T22:00:00"), ["weekly"]);
  const weekly = { weekly: "2026-03-02T22:00:00" };
  assert.deepEqual(names(weekly, "2026-03-03T00:00:00"), []);
  assert.deepEqual(names(weekly, "2026-03-03T22:00:00"), ["diff"]);
  assert.deepEqual(names({ ...weekly, diff: "2026-03-03T22:00:00" }, "2026-03-04T22:00:00"), ["cumulative"]);
  assert.deepEqual(names(weekly, "2026-03-09T22:00:00"), ["weekly"]);
});

test("schedule - a window of several days is open throughout", () => {
  const weekend = [{ dayOfWeek: 6, startSeconds: 20 * hour, durationSeconds: 60 * hour }];
  const schedules = [schedule("full", { startWindow: weekend })];
  // 2026-03-06 is a Friday.
  assert.equal(due({ schedules, now: "2026-03-06T20:00:00" }).length, 1);
  assert.deepEqual(due({ schedules, now: "2026-03-08T23:00:00" }), [["full", "a", "2026-03-09T08:00"]]);
  assert.deepEqual(due({ schedules, now: "2026-03-09T08:00:00" }), []);
});

test("schedule - after its tries have failed it is left alone for a while", () => {
  const scene = { schedules: [schedule("full", { startWindow: nightly(undefined, 0, 24 * hour) })] };
  const failures = { full: "2026-03-04T01:00:00" };
  assert.deepEqual(due({ ...scene, now: "2026-03-04T12:59:59", failures }), []);
  assert.equal(due({ ...scene, now: "2026-03-04T13:00:00", failures }).length, 1);
});

const calendar = (includeDates: object, rest: object = {}) =>
  schedule("monthly", { scheduleType: "Calendar", includeDates, ...rest });
const runDays = (includeDates: object, rest: object = {}) =>
  Array.from({ length: 31 }, (_, index) => index + 1).filter(
    (day) =>
      due({
        schedules: [calendar(includeDates, rest)],
        now: `2026-03-${String(day).padStart(2, "0")}T22:30:00`,
      }).length > 0,
  );

test("schedule - by calendar runs on the days that are included and not excluded", () => {
  assert.deepEqual(runDays({ recurringDaysOfMonth: [1, 15] }), [1, 15]);
  assert.deepEqual(runDays({ lastDayOfMonth: true }), [31]);
  // March 2026 begins on a Sunday.
  assert.deepEqual(runDays({ recurringDaysOfWeek: ["1:1", "2:3", "5:2"] }), [1, 10, 30]);
  assert.deepEqual(runDays({ specificDates: ["2026-3-7", "2026-03-08", "2025-3-9"] }), [7, 8]);
  const excludeDates = { recurringDaysOfMonth: [15] };
  assert.deepEqual(runDays({ recurringDaysOfMonth: [1, 15] }, { excludeDates }), [1]);
  assert.deepEqual(runDays({}), []);
});

test("schedule - by calendar runs once on a run day, also past midnight of its window", () => {
  const schedules = [calendar({ recurringDaysOfMonth: [15] })];
  assert.equal(due({ schedules, now: "2026-03-16T01:00:00" }).length, 1, "the window of the 15th is open");
  assert.deepEqual(due({ schedules, now: "2026-03-16T22:00:00" }), []);
  const successes = { monthly: "2026-03-15T22:00:01" };
  assert.deepEqual(due({ schedules, now: "2026-03-15T23:00:00", successes }), []);
});

test("schedule - a run day that was missed is made up for when that is allowed", () => {
  const schedules = [calendar({ recurringDaysOfMonth: [15] }, { retriesAllowedAfterRunDay: true })];
  assert.equal(due({ schedules, now: "2026-03-17T22:00:00" }).length, 1);
  const successes = { monthly: "2026-03-16T22:00:01" };
  assert.deepEqual(due({ schedules, now: "2026-03-17T22:00:00", successes }), []);
});

const retained = (copy: object) =>
  retentionOf(scheduleSchema.parse({ scheduleName: "s", backupCopies: { priority: -1, copies: [copy] } }));

test("retention - by period or level, with months of their own lengths", () => {
  const from = Date.parse("2026-01-31T10:00:00Z");
  const expires = (copy: object) => {
    const time = expirationOf(from, retained(copy));
    return time === null ? null : new Date(time).toISOString().slice(0, 10);
  };
  const period = (value: number, unit: string) => expires({ retentionPeriod: { value, unit } });
  assert.equal(period(2, "WEEKS"), "2026-02-14");
  assert.equal(period(1, "MONTHS"), "2026-02-28");
  assert.equal(period(2, "YEARS"), "2028-01-31");
  assert.equal(period(1, "INFINITE"), null);
  assert.equal(expires({ retentionLevel: 0 }), "2026-02-07");
  assert.equal(expires({ retentionLevel: 9 }), null);
  assert.equal(expires({}), null);
  assert.equal(period(1_000_000, "YEARS"), null);
});
