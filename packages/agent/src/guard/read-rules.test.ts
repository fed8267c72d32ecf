import assert from "node:assert/strict";
import { test } from "node:test";
import { readRules } from "./read-rules.ts";

const read = (text: string) => readRules({ name: "guard.yaml", text }, false);

test("guard rules - YAML with comments, each rule with its line; a budget replaces the default of its kind", () => {
  const rules = read(`# ours
version: 1
rules:
  # the first
  - name: first
    action: deny
    paths: [ "/netbackup/catalog/**" ]
  - { name: second, action: hold, methods: [ POST ] }
budgets:
  - { name: few, kind: imagesExpired, most: 2 }
`);
  const own = rules.rules.filter(({ line }) => line !== undefined);
  assert.deepEqual(
    own.map(({ name, line }) => [name, line]),
    [
      ["first", 5],
      ["second", 8],
    ],
  );
  assert.deepEqual(
    rules.budgets
      .filter(({ kind }) => kind === "imagesExpired")
      .map(({ name, hours, beyond }) => [name, hours, beyond]),
    [["few", 1, "hold"]],
  );
});

const wrong: [title: string, text: string, said: RegExp][] = [
  [
    "an unknown member",
    "version: 1\nrules:\n  - name: a\n    action: deny\n    path: /x\n",
    /guard\.yaml:3: rules\.0: .*"path"/,
  ],
  [
    "an unknown action",
    "version: 1\nrules:\n  - name: a\n    action: block\n",
    /guard\.yaml:4: rules\.0\.action/,
  ],
  [
    "a pattern outside the API",
    "version: 1\nrules:\n  - name: a\n    action: deny\n    paths: [ /x ]\n",
    /:5: rules\.0\.paths\.0: has to start with/,
  ],
  [
    "a pattern with two stars",
    'version: 1\nrules:\n  - { name: a, action: deny, paths: [ "/netbackup/a*b*" ] }\n',
    /one \* in each part/,
  ],
  [
    "an encoded pattern",
    'version: 1\nrules:\n  - { name: a, action: deny, paths: [ "/netbackup/%2e" ] }\n',
    /written decoded/,
  ],
  [
    "a predicate without a test",
    "version: 1\nrules:\n  - { name: a, action: deny, body: [ { at: /x } ] }\n",
    /needs exactly one of/,
  ],
  [
    "a name twice",
    "version: 1\nrules:\n  - { name: a, action: deny }\n  - { name: a, action: allow }\n",
    /"a" is used twice/,
  ],
  [
    "a default rule's name",
    "version: 1\nrules:\n  - { name: reading, action: deny }\n",
    /"reading" is used twice/,
  ],
  ["a key twice", "version: 1\nversion: 1\n", /guard\.yaml:2: .*unique/],
  ["an alias", "version: 1\nrules:\n  - &a { name: a, action: deny }\n  - *a\n", /:4: aliases/],
  ["another version", "version: 2\n", /:1: version/],
  ["nothing", "", /the file/],
  ["an unknown time zone", "version: 1\ntimeZone: Middle/Earth\n", /:2: timeZone: .*Europe\/Vienna/],
  [
    "a time of no day",
    "version: 1\nrules:\n  - { name: a, action: deny, times: [ { from: '24:00', to: '01:00' } ] }\n",
    /HH:MM/,
  ],
  ["a file too large", `version: 1\n#${"x".repeat(300_000)}`, /more than 262144 bytes/],
  ["no YAML", "version: [1\n", /guard\.yaml:2/],
];
for (const [title, text, said] of wrong) {
  test(`guard rules - refuse ${title}, and say where`, () => {
    assert.throws(() => read(text), { code: "invalid_rules", message: said });
  });
}
