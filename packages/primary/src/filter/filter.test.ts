import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import test from "node:test";
import fc from "fast-check";
import { compileFilter, type FilterFields } from "./filter.ts";
import { isAfter, orderBy, parseSort, reversed, type SortValue } from "./sort.ts";

const fields: FilterFields = {
  jobId: { sql: "id", type: "number" },
  state: { sql: "state", type: "enum" },
  policyName: { sql: "policy_name", type: "text" },
  backupId: { sql: "backup_id", type: "text", isNullable: true },
  startTime: { sql: "started", type: "timeMs" },
  active: { sql: "active", type: "boolean" },
  "extendedAttributes/cluster": { sql: "cluster", type: "text" },
};

interface Row {
  [column: string]: string | number | null;
}
const rows: Row[] = [
  { id: 1, state: "DONE", policy_name: "daily", backup_id: "a_1", started: 1000, active: 1, cluster: "x" },
  { id: 2, state: "DONE", policy_name: "it's", backup_id: null, started: 2000, active: 0, cluster: "" },
  { id: 3, state: "ACTIVE", policy_name: "Daily%", backup_id: null, started: 2000, active: 1, cluster: "y" },
  { id: 4, state: "QUEUED", policy_name: "", backup_id: "b_2", started: 0, active: 0, cluster: "x" },
  { id: 5, state: "DONE", policy_name: "a and b", backup_id: "b_3", started: 3000, active: 1, cluster: "𝄞z" },
];

const database = new DatabaseSync(":memory:");
database.exec(
  "CREATE TABLE jobs (id INTEGER, state TEXT, policy_name TEXT, backup_id TEXT, started INTEGER, active INTEGER, cluster TEXT)",
);
for (const row of rows) {
  database.prepare("INSERT INTO jobs VALUES (?, ?, ?, ?, ?, ?, ?)").run(...Object.values(row));
}

function select(where: { sql: string; values: SortValue[] }, order = "id", limit = 100): number[] {
  const found = database.prepare(`SELECT id FROM jobs WHERE ${where.sql} ORDER BY ${order} LIMIT ${limit}`);
  return found.all(...where.values).map((row) => Number(row["id"]));
}

const good: [filter: string, ids: number[]][] = [
  ["", [1, 2, 3, 4, 5]],
  ["jobId eq 3", [3]],
  ["jobId eq '3'", [3]],
  ["jobId ge 2.5", [3, 4, 5]],
  ["state eq done and policyName ne 'it''s'", [1, 5]],
  ["state EQ 'DONE' AND NOT policyName eq 'daily'", [2, 5]],
  ["  policyName  eq  'a and b'  ", [5]],
  ["policyName eq ''", [4]],
  ["startTime ge 1970-01-01T00:00:02Z", [2, 3, 5]],
  ["startTime lt '1970-01-01T01:00:02.000000+01:00'", [1, 4]],
  ["jobId eq 1 or jobId eq 2 and state eq ACTIVE", [1]],
  ["(jobId eq 1 or jobId eq 2) and not (state eq ACTIVE)", [1, 2]],
  ["((jobId eq 1))", [1]],
  ["contains(policyName,'aily')", [1, 3]],
  ["contains(policyName, '%')", [3]],
  ["contains(policyName, '%') eq false", [1, 2, 4, 5]],
  ["startswith(tolower(policyName),'daily')", [1, 3]],
  ["startswith(policyName,'d') or endswith(policyName,'b')", [1, 5]],
  ["endswith(policyName,'')", [1, 2, 3, 4, 5]],
  ["endswith(extendedAttributes/cluster,'𝄞z')", [5]],
  ["tolower(policyName) eq 'daily%'", [3]],
  ["toupper(state) eq 'queued'", [4]],
  ["backupId ne 'a_1'", [2, 3, 4, 5]],
  ["not (backupId gt 'a_1')", [1, 2, 3]],
  ["contains(backupId,'b')", [4, 5]],
  ["active eq true and extendedAttributes/cluster eq 'x'", [1]],
];
for (const [text, ids] of good) {
  test(`filter - finds ${text}`, () => assert.deepEqual(select(compileFilter(text, fields)), ids));
}

const bad = [
  "jobId",
  "jobId eq",
  "jobId eq x",
  "jobId like 7",
  "jobId constructor 7",
  "__proto__ eq 7",
  "unknown eq 7",
  "jobId eq 7 and",
  "jobId eq 7 jobId",
  "not",
  "(jobId eq 7",
  "jobId eq 7)",
  "jobId eq (7)",
  "contains(policyName 'x')",
  "contains(policyName,'x'",
  "contains(jobId,'1')",
  "contains(policyName,'x') eq 3",
  "tolower(jobId) eq 7",
  "policyName eq 'x",
  "policyName eq 'x'y",
  "'jobId' eq 7",
  "startTime ge 2024",
  "startTime ge 2024-99-01T00:00:00Z",
  "active eq maybe",
  `policyName eq '${"x".repeat(5000)}'`,
  `${"(".repeat(40)}jobId eq 7${")".repeat(40)}`,
  `${"not ".repeat(40)}jobId eq 7`,
  Array.from({ length: 300 }, () => "jobId eq 7").join(" or "),
];
for (const text of bad) {
  test(`filter - refuses ${text.slice(0, 40)}`, () => {
    assert.throws(() => compileFilter(text, fields), { code: "invalid_filter" });
  });
}

test("filter - any text is either refused or becomes SQL that runs, with every value a parameter", () => {
  const words = [
    "jobId",
    "state",
    "policyName",
    "backupId",
    "eq",
    "ne",
    "and",
    "or",
    "not",
    "(",
    ")",
    ",",
    "'x'",
    "7",
  ];
  const others = [
    "contains(",
    "startswith(",
    "tolower(",
    "''",
    "' OR 1=1 --",
    '"',
    ";",
    "%",
    "\0",
    "2024-01-02T03:04:05Z",
  ];
  const texts = fc.oneof(
    fc.string(),
    fc.array(fc.constantFrom(...words, ...others)).map((parts) => parts.join(" ")),
  );
  const known = /^[\w\s()=<>?,'.-]*$/;
  fc.assert(
    fc.property(texts, (text) => {
      let filter;
      try {
        filter = compileFilter(text, fields);
      } catch (error) {
        assert.equal((error as { code?: string }).code, "invalid_filter");
        return;
      }
      assert.match(filter.sql, known);
      assert.ok(!/'[^']/.test(filter.sql.replaceAll("''", "")), filter.sql);
      select(filter);
    }),
    { numRuns: 2000 },
  );
});

test("sort - by several keys, with pages that hold each row once, forward and back", () => {
  const last = { sql: "id", isDescending: true };
  for (const text of [
    "",
    "-startTime",
    "state,-startTime",
    "-active,policyName",
    "backupId",
    "jobId",
    "-jobId,state",
  ]) {
    const keys = parseSort(text, fields, last);
    const all = select({ sql: "1", values: [] }, orderBy(keys));
    assert.equal(new Set(all).size, rows.length);
    for (const [order, expected] of [
      [keys, all],
      [reversed(keys), all.toReversed()],
    ] as const) {
      const walked: number[] = [];
      for (let where: { sql: string; values: SortValue[] } = { sql: "1", values: [] }; ;) {
        const [id] = select(where, orderBy(order), 1);
        if (id === undefined) break;
        walked.push(id);
        const row = database
          .prepare(
            `SELECT ${order.map(({ sql }, at) => `${sql} AS k${at}`).join(", ")} FROM jobs WHERE id = ?`,
          )
          .get(id);
        where = isAfter(order, Object.values(row ?? {}) as SortValue[]);
      }
      assert.deepEqual(walked, expected, text);
    }
  }
});

test("sort - refuses fields that the list does not have, and too many", () => {
  const last = { sql: "id", isDescending: true };
  for (const text of ["nonsense", "-constructor", Array.from({ length: 9 }, () => "jobId").join(",")]) {
    assert.throws(() => parseSort(text, fields, last), { code: "invalid_filter" });
  }
});
