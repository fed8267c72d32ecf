import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { defaultProperties, parseProperties } from "./properties.ts";

test("properties - the documented file gives the documented defaults", () => {
  const file = join(import.meta.dirname, "../../../tests/fixtures/nbwss/nbwss.properties");
  assert.deepEqual(parseProperties(readFileSync(file, "utf8")), {
    properties: defaultProperties,
    problems: [],
  });
});

test("properties - reads every key, comments and Windows line ends", () => {
  const text = [
    "# comment",
    "! comment",
    "exception.ignoreDecoder = true",
    "notification.sendTimeout=50",
    "notification.scheduledRate=1",
    " keepAlive.scheduledRate=2",
    "keepAlive.maxPongMissAllowed=4",
    "connectionInfo.period=7",
    "",
  ].join("\r\n");
  assert.deepEqual(parseProperties(text), {
    properties: {
      ignoreDecoder: true,
      sendTimeoutMs: 50,
      resendAfterMs: 1000,
      pingIntervalMs: 2000,
      maxMissedPongs: 4,
      connectPeriodMs: 7000,
    },
    problems: [],
  });
});

test("properties - reports unknown keys and bad values by line and keeps the defaults", () => {
  const text =
    "nonsense=1\n\nkeepAlive.scheduledRate=soon\nnotification.sendTimeout=0\nconnectionInfo.period=99999999\nconstructor=1\n=1\njust words";
  const { properties, problems } = parseProperties(text);
  assert.deepEqual(properties, defaultProperties);
  assert.deepEqual(
    problems.map((problem) => /^line \d+/.exec(problem)?.[0]),
    ["line 1", "line 3", "line 4", "line 5", "line 6", "line 7", "line 8"],
  );
});
