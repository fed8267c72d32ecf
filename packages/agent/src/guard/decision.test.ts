import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { test } from "node:test";
import type { Command } from "@sallyport/nbwss";
import { decide, denyUnclear } from "./decision.ts";
import { readRequest } from "./guarded-request.ts";
import { builtInRules, readRules } from "./read-rules.ts";
import type { GuardRules } from "./rules.ts";

const noon = Date.parse("2026-11-24T12:00:00Z");

function by(
  rules: GuardRules,
  what: string,
  more: { body?: string; groupId?: string; atMs?: number; headers?: Command["headers"] } = {},
) {
  const [method = "", uri = ""] = what.split(" ");
  const command: Command = {
    method: method as Command["method"],
    uri,
    headers: more.headers ?? {},
    parameters: more.body,
  };
  const { request, refusal } = readRequest(command, more.groupId ?? "cloud", 8192);
  const { action, rule } =
    request === undefined ? denyUnclear(refusal) : decide(rules, request, more.atMs ?? noon);
  return `${action} ${rule}`;
}

const rulesOf = (document: object, isReadOnly = false) =>
  readRules({ name: "rules.yaml", text: JSON.stringify({ version: 1, ...document }) }, isReadOnly);

const byDefault: [what: string, expected: string][] = [
  ["GET /netbackup/admin/jobs?page%5Blimit%5D=5", "allow reading"],
  ["GET /netbackup/catalog/images/x", "allow reading"],
  ["POST /netbackup/login", "allow sessions"],
  ["POST /netbackup/admin/manual-backup", "allow backups"],
  ["POST /netbackup//admin/manual-backup/", "allow backups"],
  ["POST /netbackup/admin/jobs/7/cancel", "allow backups"],
  ["POST /netbackup/Admin/Manual-Backup", "hold otherwise"],
  ["POST /netbackup/config/policies/", "allow new-policies"],
  ["PUT /netbackup/config/policies/gold", "hold policies"],
  ["DELETE /netbackup/config/policies/gold", "hold policies"],
  ["PUT /netbackup/CONFIG/policies/gold/schedules/daily", "hold policies"],
  ["DELETE /netbackup/catalog/images/x", "hold images"],
  ["PATCH /netbackup/catalog/images/x", "hold images"],
  ["POST /netbackup/catalog/images/update-expiration-date", "hold images"],
  ["POST /netbackup/catalog/expire-images", "hold images"],
  ["POST /netbackup/catalog/verify-images", "allow backups"],
  ["POST /netbackup/recovery/workloads/physical/scenarios/granular-files-folders/recover", "hold restores"],
  ["POST /netbackup/security/api-keys", "hold access"],
  ["DELETE /netbackup/user-sessions", "hold access"],
  ["POST /netbackup/storage/storage-units", "hold storage"],
  ["DELETE /netbackup/storage/storage-units/stu", "hold storage"],
  ["PATCH /netbackup/admin/bulk-job-requests", "hold otherwise"],
  ["POST /netbackup/some/thing-of-tomorrow", "hold otherwise"],
  ["GET /netbackup/config/servers/wssendpoints", "deny endpoints-on-premises"],
  ["POST /netbackup/config/servers/wssendpoints/save", "deny endpoints-on-premises"],
  ["DELETE /netbackup/config/servers/WSSEndpoints/hub", "deny endpoints-on-premises"],
  ["DELETE /netbackup/config/servers/%77ssendpoints/hub", "deny endpoints-on-premises"],
  ["GET /netbackup/a/../b", "deny unclear-request"],
];
for (const [what, expected] of byDefault) {
  test(`decision - by default: ${what}: ${expected}`, () =>
    assert.equal(by(builtInRules(false), what), expected));
}

const readOnly: [what: string, expected: string][] = [
  ["GET /netbackup/admin/jobs", "allow reading"],
  ["POST /netbackup/login", "allow read-only-sessions"],
  ["POST /netbackup/admin/manual-backup", "deny read-only"],
  ["DELETE /netbackup/catalog/images/x", "deny read-only"],
  ["GET /netbackup/config/servers/wssendpoints", "deny endpoints-on-premises"],
];
for (const [what, expected] of readOnly) {
  test(`decision - read-only, whatever the file allows: ${what}: ${expected}`, () => {
    const open = rulesOf({ rules: [{ name: "all", action: "allow", methods: ["POST", "DELETE"] }] }, true);
    assert.equal(by(open, what), expected);
  });
}

test("decision - the first rule that matches decides, before the defaults", () => {
  const rules = rulesOf({
    rules: [
      { name: "keep", action: "deny", methods: ["DELETE"], paths: ["/netbackup/catalog/images/gold-*"] },
      { name: "free", action: "allow", methods: ["DELETE"], paths: ["/netbackup/catalog/images/*"] },
    ],
  });
  assert.equal(by(rules, "DELETE /netbackup/catalog/images/gold-1"), "deny keep");
  assert.equal(by(rules, "DELETE /netbackup/catalog/images/tin-1"), "allow free");
  assert.equal(by(rules, "DELETE /netbackup/catalog/images/tin/1"), "hold images");
  assert.equal(by(rules, "GET /netbackup/catalog/images"), "allow reading");
});

test("decision - a rule that denies or holds matches whatever case, one that allows only its own", () => {
  const rules = rulesOf({
    defaults: false,
    otherwise: "deny",
    rules: [
      { name: "secret", action: "hold", paths: ["/netbackup/config/policies/Secret"] },
      { name: "test", action: "allow", paths: ["/netbackup/config/policies/Test*"] },
    ],
  });
  assert.equal(by(rules, "PUT /netbackup/config/policies/secRET"), "hold secret");
  assert.equal(by(rules, "PUT /netbackup/config/policies/%EF%BC%B3ecret"), "hold secret");
  assert.equal(by(rules, "PUT /netbackup/config/policies/Test1"), "allow test");
  assert.equal(by(rules, "PUT /netbackup/config/policies/test1"), "deny otherwise");
});

test("decision - a body predicate matches what is surely meant for who allows, what may be meant for who denies", () => {
  const predicate = [{ at: "/data/attributes/backupId", startsWith: "test_" }];
  const allow = rulesOf({ rules: [{ name: "tests", action: "allow", methods: ["POST"], body: predicate }] });
  const deny = rulesOf({ rules: [{ name: "tests", action: "deny", methods: ["POST"], body: predicate }] });
  const what = "POST /netbackup/catalog/images/update-expiration-date";
  const bodies: [body: string | undefined, allowed: boolean, denied: boolean][] = [
    ['{"data":{"attributes":{"backupId":"test_1"}}}', true, true],
    ['{"data":{"attributes":{"backupId":"gold_1"}}}', false, false],
    ['{"data":{}}', false, false],
    ['{"data":{"attributes":{"backupId":["test_1"]}}}', false, false],
    // Not JSON, or more than one reading: who takes the first member sees another than who takes the last.
    ['{"data":{"attributes":{"backupId":"gold_1","backupId":"test_1"}}}', false, true],
    ['{"data":{"attributes":{"backupId":"test_1","BackupId":"gold_1"}}}', false, true],
    ['{"data":{"attributes":{"backupId":"test_1","backup\\u0049d":"gold_1"}}}', false, true],
    // A careless reader finds it all the same.
    ['{"data":{"Attributes":{"BACKUPID":"test_1"}}}', false, true],
    ['{"data":{"attributes":{"backupId":"Test_1"}}}', false, true],
    ['{"data":{"attributes":{"backupId":" test_1"}}}', false, true],
    // Numbers that readers round in different ways, or refuse.
    ['{"data":{"attributes":{"backupId":"test_1","n":9007199254740993}}}', false, true],
    ['{"data":{"attributes":{"backupId":"test_1","n":1e400}}}', false, true],
    ['{"data":{"attributes":{"backupId":"test_1","n":1e-400}}}', false, true],
    ['{"data":{"attributes":{"backupId":"test_1","n":1.00000000000000000001}}}', false, true],
    ['{"data":{"attributes":{"backupId":"test_1","n":[1700000000000,-0.5,1.50,0,2e3,"1e400"]}}}', true, true],
    ["{", false, true],
    [undefined, false, true],
  ];
  for (const [body, allowed, denied] of bodies) {
    const more = body === undefined ? {} : { body };
    assert.equal(by(allow, what, more), allowed ? "allow tests" : "hold images", body);
    assert.equal(by(deny, what, more), denied ? "deny tests" : "hold images", body);
  }
});

test("decision - a value that a careless reader takes for another one is none that is surely meant", () => {
  const decided = (predicate: object, body: string) =>
    (["allow", "deny"] as const).map((action) => {
      const rules = rulesOf({ rules: [{ name: "r", action, body: [{ at: "/a", ...predicate }] }] });
      return by(rules, "POST /netbackup/catalog/x", { body }) === `${action} r`;
    });
  assert.deepEqual(decided({ equals: 1 }, '{"a":1}'), [true, true]);
  assert.deepEqual(decided({ equals: 1 }, '{"a":"1"}'), [false, true]);
  assert.deepEqual(decided({ equals: true }, '{"a":"TRUE"}'), [false, true]);
  assert.deepEqual(decided({ oneOf: ["x", "y"] }, '{"A":"y"}'), [false, true]);
  assert.deepEqual(decided({ exists: false }, '{"A":1}'), [false, true]);
  assert.deepEqual(decided({ exists: true }, '{"A":1}'), [false, true]);
  assert.deepEqual(decided({ equals: 1 }, '{"a":2}'), [false, false]);
  assert.deepEqual(decided({ exists: false }, "{}"), [true, true]);
});

test("decision - a body of another type or encoding than JSON in UTF-8 has no sure reading", () => {
  const predicate = [{ at: "/backupId", equals: "test" }];
  const allow = rulesOf({ rules: [{ name: "tests", action: "allow", methods: ["POST"], body: predicate }] });
  const types: [type: string, isRead: boolean][] = [
    ["application/json", true],
    ["application/vnd.netbackup+json; version=12.0;charset=UTF-8", true],
    ["application/json; charset=utf-16", false],
    ["application/json; charset=utf-7", false],
    ["application/x-www-form-urlencoded", false],
    ["text/plain", false],
  ];
  for (const [type, isRead] of types) {
    const more = { body: '{"backupId":"test"}', headers: { "content-type": type } };
    assert.equal(by(allow, "POST /netbackup/catalog/x", more), isRead ? "allow tests" : "hold images", type);
  }
});

test("decision - groups and times limit a rule, also over midnight", () => {
  const rules = rulesOf({
    timeZone: "Europe/Vienna",
    rules: [
      {
        name: "at-night",
        action: "allow",
        methods: ["DELETE"],
        groups: ["trusted"],
        times: [{ days: ["tue"], from: "22:00", to: "04:00" }],
      },
    ],
  });
  const at = (iso: string, groupId = "trusted") =>
    by(rules, "DELETE /netbackup/catalog/images/x", { groupId, atMs: Date.parse(iso) });
  // 2026-11-24 is a Tuesday; Vienna is one hour ahead.
  assert.equal(at("2026-11-24T20:59:00Z"), "hold images");
  assert.equal(at("2026-11-24T21:00:00Z"), "allow at-night");
  assert.equal(at("2026-11-25T02:59:00Z"), "allow at-night");
  assert.equal(at("2026-11-25T03:00:00Z"), "hold images");
  assert.equal(at("2026-11-25T21:00:00Z"), "hold images");
  assert.equal(at("2026-11-24T21:00:00Z", "other"), "hold images");
});

test("decision - a window is that of the clock on the wall when it is set forward and back, at the end of a month and of a year", () => {
  const within = (times: object, isos: string[]) => {
    const rules = rulesOf({
      timeZone: "Europe/Vienna",
      rules: [{ name: "now", action: "allow", times: [times] }],
    });
    const what = "DELETE /netbackup/catalog/images/x";
    return isos.map((iso) => by(rules, what, { atMs: Date.parse(iso) }) === "allow now");
  };
  const halfPastTwo = { from: "02:30", to: "03:30" };
  // On 29 March 2026 there is no 02:30, on 25 October it comes twice.
  assert.deepEqual(
    within(halfPastTwo, ["2026-03-29T00:59:59Z", "2026-03-29T01:00:00Z", "2026-03-29T01:30:00Z"]),
    [false, true, false],
  );
  assert.deepEqual(
    within(halfPastTwo, ["2026-10-25T00:30:00Z", "2026-10-25T01:00:00Z", "2026-10-25T01:30:00Z"]),
    [true, false, true],
  );
  // 31 December 2026 is a Thursday, 28 February 2027 a Sunday.
  const newYear = { from: "23:59", to: "00:01", days: ["thu"] };
  assert.deepEqual(
    within(newYear, ["2026-12-31T22:58:59Z", "2026-12-31T22:59:00Z", "2026-12-31T23:00:59Z"]),
    [false, true, true],
  );
  assert.deepEqual(within(newYear, ["2026-12-31T23:01:00Z", "2027-01-01T22:59:00Z"]), [false, false]);
  const sundays = { from: "00:00", to: "00:00", days: ["sun"] };
  assert.deepEqual(
    within(sundays, ["2027-02-27T22:59:59Z", "2027-02-27T23:00:00Z", "2027-02-28T22:59:59Z"]),
    [false, true, true],
  );
  assert.deepEqual(within(sundays, ["2027-02-28T23:00:00Z"]), [false]);
});

test("decision - a form that may make another method of it is denied", () => {
  const forms: [type: string, body: string][] = [
    ["application/x-www-form-urlencoded", "a=1&%5Fmethod=DELETE"],
    [
      "multipart/form-data; boundary=x",
      '--x\r\ncontent-disposition: form-data; name="_method"\r\n\r\nDELETE\r\n--x--',
    ],
  ];
  for (const [type, body] of forms) {
    const more = { body, headers: { "Content-Type": type } };
    assert.equal(
      by(builtInRules(false), "POST /netbackup/admin/manual-backup", more),
      "deny unclear-request",
      type,
    );
  }
});

test("decision - a form that can't be looked into is denied, other bodies that can't are as the rules say", () => {
  const post = (type: string) => {
    const upload = Readable.from([Buffer.from("_method=DELETE&pad=\u{ff}", "latin1")]);
    const headers = { "Content-Type": type };
    const command = { method: "POST", uri: "/netbackup/admin/manual-backup", headers, upload } as const;
    const { request, refusal } = readRequest(command, "cloud", 8192);
    return request === undefined
      ? denyUnclear(refusal).action
      : decide(builtInRules(false), request, noon).action;
  };
  assert.equal(post(" application/X-www-form-urlencoded;charset=utf-8"), "deny");
  assert.equal(post("multipart/form-data; boundary=x"), "deny");
  assert.equal(post("application/octet-stream"), "allow");
});

const smuggled: Command["headers"][] = [
  { "X-HTTP-Method-Override": "DELETE" },
  { x_http_method_override: "DELETE" },
  { "X-Original-URL": "/netbackup/catalog/expire-images" },
  { "Content-Type": "application/json", "content-type": "multipart/form-data" },
];
for (const headers of smuggled) {
  test(`decision - headers that may make another request of it are denied: ${Object.keys(headers).join(", ")}`, () => {
    assert.equal(
      by(builtInRules(false), "POST /netbackup/admin/manual-backup", { headers }),
      "deny unclear-request",
    );
  });
}
