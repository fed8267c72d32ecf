// What the documents say has to be so.
import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { agentErrors } from "@sallyport/agent";
import { dataFolderErrors } from "@sallyport/durable";
import { hubErrors } from "@sallyport/hub";
import { nbwssErrors } from "@sallyport/nbwss";
import { errorTable } from "@sallyport/primary";
import { guardPage } from "../scripts/guard-docs.ts";
import { restApiPage } from "../scripts/rest-api-docs.ts";
import { configurationPage } from "../scripts/configuration-docs.ts";

const root = join(import.meta.dirname, "..");
const tables = {
  durable: dataFolderErrors,
  nbwss: nbwssErrors,
  agent: agentErrors,
  hub: hubErrors,
  primary: errorTable,
};

for (const [name, table] of Object.entries(tables)) {
  test(`docs - errors.md names the codes of ${name}, all of them and no others`, () => {
    const text = readFileSync(join(root, "docs", "errors.md"), "utf8");
    const section = text.split(/^## /m).find((part) => part.startsWith(`\`${name}\``)) ?? "";
    const documented = [...section.matchAll(/^\| `(\w+)` \|/gm)].map(([, code]) => code);
    assert.deepEqual(new Set(documented), new Set(Object.keys(table)));
  });
}

test("docs - configuration.md has every setting of the hub with its default", () => {
  const { expected, found } = configurationPage();
  assert.ok(
    expected.includes("| `listen` | `--listen` |") && /\| `maxMessageBytes` .*message/.test(expected),
  );
  assert.ok(found === expected, "docs/configuration.md is behind the settings; run: npm run format");
});

test("docs - guard.md has every member of the rules file, and the rules that are built in", () => {
  const { expected, found } = guardPage();
  assert.match(
    expected,
    /\| `otherwise` \| `allow`, `deny`, `hold` \| `"hold"` \|[^]*\| `endpoints-on-premises` \| deny/,
  );
  assert.ok(found === expected, "docs/guard.md is behind the schema; run: npm run format");
});

test("docs - rest-api.md says of every operation whether it is real", () => {
  const { expected, found } = restApiPage();
  assert.match(expected, /\| GET \| `\/admin\/jobs` \| real \|/);
  assert.ok(found === expected, "docs/rest-api.md is behind the tables; run: npm run format");
});

test("docs - every link within the repository leads somewhere", () => {
  for (const file of globSync(["*.md", "docs/*.md"], { cwd: root })) {
    const text = readFileSync(join(root, file), "utf8");
    for (const [, target = ""] of text.matchAll(/\]\(([^)#]+)(?:#[^)]*)?\)/g)) {
      if (/^[a-z]+:/.test(target)) continue;
      assert.ok(existsSync(join(root, dirname(file), target)), `${file} links to ${target}`);
    }
  }
});
