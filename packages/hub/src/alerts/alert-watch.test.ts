import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { ManualClock } from "@sallyport/nbwss/testing";
import { defaultHubLimits } from "../config/limits.ts";
import { HubError } from "../errors.ts";
import { Recorder } from "../log/recorder.ts";
import { openSqliteLog } from "../log/sqlite-log.ts";
import { LogLines, temporaryFolder } from "../testing/hub-fixture.ts";
import { AlertWatch } from "./alert-watch.ts";
import type { AlertRuleRecord } from "./alerts-view.ts";

const rule: AlertRuleRecord = {
  id: "behind",
  name: "Behind",
  condition: { kind: "inbox_behind", seconds: 60 },
  enabled: true,
  createdAt: "",
};

/** A watch over a log of its own; what is shown, and what waits, is what a test says. */
async function openWatch() {
  const folder = await temporaryFolder();
  const clock = new ManualClock();
  const log = openSqliteLog({ path: join(folder.path, "log.sqlite"), maxPendingEvents: 100 });
  const views = { isCurrent: true, position: 0 };
  const fleet = { isCurrent: true, shown: () => Promise.resolve() };
  const inbox: { waitingSinceMs: number | null } = { waitingSinceMs: null };
  const lines = new LogLines();
  let ids = 0;
  const recorder = new Recorder({ log, now: () => clock.now(), newId: () => String((ids += 1)) });
  const failing = { isOn: false };
  const watch = new AlertWatch({
    alerts: { rules: () => [rule], open: () => [], mutes: () => new Map() },
    views,
    fleet,
    log,
    recorder: {
      eventOf: (...what) => recorder.eventOf(...what),
      append: (events) =>
        failing.isOn ? Promise.reject(new HubError("log_failed", "full")) : recorder.append(events),
    },
    limits: defaultHubLimits,
    clock,
    logger: lines.logger,
    primaries: { list: () => [] },
    timeline: { lastGaps: () => new Map() },
    registry: {
      summaryOf: () => {
        throw new Error("there is no primary");
      },
    },
    backups: { withoutGoodSince: () => [], get: () => undefined },
    jobs: { firstBackup: () => undefined },
    inbox,
  });
  watch.start();
  const types = async () =>
    (await log.read({ after: 0, limit: 100 })).map(({ type }) => type.split(".").at(-1));
  /** Lets time pass, with a look at each of its steps. */
  const pass = async (ms: number) => {
    for (let left = ms; left > 0; left -= 15_000) {
      clock.advance(15_000);
      await watch.look();
    }
  };
  return {
    clock,
    views,
    inbox,
    failing,
    lines,
    types,
    pass,
    watch,
    async [Symbol.asyncDispose]() {
      await watch.close();
      await log.close();
      await folder[Symbol.asyncDispose]();
    },
  };
}

test("alert watch - says once that the views are behind, though it can't be shown, and once that they are not", async () => {
  await using opened = await openWatch();
  const { views, pass, types } = opened;
  views.isCurrent = false;
  await pass(60_000);
  assert.deepEqual(await types(), []);
  await pass(300_000);
  assert.deepEqual(await types(), ["raised"]);
  views.isCurrent = true;
  await pass(60_000);
  assert.deepEqual(await types(), ["raised", "resolved"]);
  await pass(300_000);
  assert.deepEqual(await types(), ["raised", "resolved"]);
});

test("alert watch - says that notifications wait, and tries again when the log can't be written", async () => {
  await using opened = await openWatch();
  const { clock, inbox, failing, lines, pass, types } = opened;
  inbox.waitingSinceMs = clock.now();
  failing.isOn = true;
  await pass(120_000);
  assert.deepEqual(await types(), []);
  assert.ok(lines.all("alerts.not_recorded").length > 0);
  failing.isOn = false;
  await pass(30_000);
  assert.deepEqual(await types(), ["raised"]);
  inbox.waitingSinceMs = null;
  await pass(30_000);
  assert.deepEqual(await types(), ["raised", "resolved"]);
});

test("alert watch - looks no more when it is closed", async () => {
  await using opened = await openWatch();
  const { clock, watch, inbox, types } = opened;
  inbox.waitingSinceMs = clock.now();
  await watch.close();
  await watch.close();
  clock.advance(600_000);
  await watch.look();
  assert.deepEqual([await types(), clock.armed], [[], 0]);
});
