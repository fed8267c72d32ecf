import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "@sallyport/nbwss/testing";
import { pino } from "pino";
import type { LogEvent } from "../log/log.ts";
import { Recorder } from "../log/recorder.ts";
import { Audit } from "./audit.ts";

function audited(fails = false) {
  const clock = new ManualClock(0);
  const appends: LogEvent[][] = [];
  const log = {
    append(events: readonly LogEvent[]) {
      appends.push([...events]);
      if (fails) return Promise.reject(new Error("full"));
      return Promise.resolve(events.map((_, index) => ({ position: index + 1, duplicate: false })));
    },
  };
  let ids = 0;
  const recorder = new Recorder({ log, now: () => clock.now(), newId: () => String((ids += 1)) });
  const lines: string[] = [];
  const logger = pino({ level: "error" }, { write: (line: string) => void lines.push(line) });
  return { audit: new Audit({ recorder, clock, logger }), appends, clock, lines };
}

const entry = (target: string) => ({
  actor: { kind: "api-key" as const, id: "k", name: "key" },
  from: "127.0.0.1",
  action: "command GET /netbackup/x",
  target,
  result: "answered",
  status: 200,
  requestId: "r",
});

test("audit - writes what is noted within a moment together, with the time of each", async () => {
  const { audit, appends, clock } = audited();
  audit.note(entry("/primaries/a"));
  clock.advance(10);
  audit.note(entry("/primaries/b"));
  assert.equal(appends.length, 0);
  clock.advance(15);
  assert.deepEqual(
    appends.map((events) => events.map(({ source, time }) => `${source} ${time}`)),
    [["/primaries/a 1970-01-01T00:00:00.000Z", "/primaries/b 1970-01-01T00:00:00.010Z"]],
  );
  await audit.settled();
  assert.equal(appends.length, 1);
});

test("audit - writes at once when much was gathered, and when it is to settle", async () => {
  const { audit, appends } = audited();
  for (let count = 0; count < 130; count += 1) audit.note(entry("/primaries/a"));
  assert.deepEqual(
    appends.map(({ length }) => length),
    [128],
  );
  await audit.settled();
  assert.deepEqual(
    appends.map(({ length }) => length),
    [128, 2],
  );
});

test("audit - puts what can't be written into the hub's own log", async () => {
  const { audit, lines } = audited(true);
  audit.note(entry("/primaries/a"));
  audit.note(entry("/primaries/b"));
  await audit.settled();
  assert.equal(lines.filter((line) => line.includes("audit.not_recorded")).length, 2);
});
