import assert from "node:assert/strict";
import { test } from "node:test";
import type { PrimarySummary } from "./api/primaries.ts";
import { matchesFilter } from "./primary-filter.ts";

const primary: PrimarySummary = {
  id: "1",
  name: "nbu-Berlin-02",
  labels: { site: "berlin", tier: "gold" },
  groupId: "g",
  priority: 1,
  createdAt: "2026-03-01T12:00:00Z",
  connection: {
    state: "disconnected",
    since: null,
    lastSeenAt: null,
    remoteAddress: "10.1.2.3",
    groupId: null,
    trackingId: null,
    closeCode: 1006,
    closeReason: "no pong",
  },
  endpoints: [],
  dialect: {},
  warnings: [],
};

const table: [typed: string, matches: boolean][] = [
  ["", true],
  ["  ", true],
  ["berlin", true],
  ["BER 02", true],
  ["erlin", false],
  ["site=berlin", true],
  ["gold", true],
  ["berlin silver", false],
  ["disc", true],
  ["connected", false],
  ["10.1", true],
  ["1006", true],
  ["pong", true],
  ["(", false],
];

for (const [typed, matches] of table) {
  test(`primary filter - ${matches ? "finds" : "does not find"} the primary by "${typed}"`, () => {
    assert.equal(matchesFilter(primary, typed), matches);
  });
}
