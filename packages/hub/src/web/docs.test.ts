import assert from "node:assert/strict";
import { test } from "node:test";
import { HubFixture } from "../testing/hub-fixture.ts";
import { renderDocs } from "./docs-page.ts";
import { typeText } from "./schema-text.ts";

test("docs page - shows every operation and schema, links lead somewhere, and nothing comes from elsewhere", async () => {
  await using fixture = await HubFixture.start();
  const page = await fixture.call({ path: "/docs", key: null });
  assert.equal(page.status, 200);
  assert.match(String(page.headers["content-security-policy"]), /^default-src 'none'; style-src 'self';/);
  const document = (await fixture.call({ path: "/openapi.json", key: null })).json() as {
    paths: Record<string, Record<string, unknown>>;
    components: { schemas: Record<string, unknown> };
  };
  for (const [path, item] of Object.entries(document.paths)) {
    for (const method of Object.keys(item)) assert.ok(page.text.includes(`<b>${method}</b> ${path}<`), path);
  }
  const ids = [...page.text.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
  assert.equal(new Set(ids).size, ids.length, "each id once");
  for (const name of Object.keys(document.components.schemas))
    assert.ok(ids.includes(`schema-${name}`), name);
  const links = [...page.text.matchAll(/(?:href|src)="([^"]+)"/g)].map(([, link = ""]) => link);
  for (const link of links) {
    if (link.startsWith("#")) assert.ok(ids.includes(link.slice(1)), link);
    else assert.equal((await fixture.call({ path: link, key: null })).status, 200, link);
  }
  assert.ok(!/<script|<img|style=|https?:\/\/(?!HOST)/i.test(page.text));
});

test("docs page - escapes whatever stands in the document", async () => {
  const evil = "<script>alert(1)</script>\"'&";
  const text = await renderDocs({
    info: { title: evil, description: evil },
    paths: {
      [`/a/b/c/${evil}`]: {
        get: {
          summary: evil,
          description: evil,
          parameters: [{ name: evil, in: evil, description: evil, schema: { enum: [evil] } }],
          responses: { 200: { description: evil, content: { [evil]: { schema: { const: evil } } } } },
        },
      },
    },
    components: { schemas: { Evil: { type: "object", properties: { [evil]: { type: evil } } } } },
  });
  assert.ok(!text.includes("<script") && !/"'&(?!#|\w+;)/.test(text));
});

test("docs page - writes a schema as a type", () => {
  const text = typeText({
    type: "object",
    required: ["id", "list"],
    properties: {
      id: { type: "string", maxLength: 5 },
      list: { type: "array", items: { $ref: "#/components/schemas/Job" } },
      state: { anyOf: [{ enum: ["a", "b"] }, { type: "null" }] },
      labels: { type: "object", additionalProperties: { type: "string" } },
    },
  });
  const expected =
    '{\n  id: string (at most 5 characters)\n  list: Array<#Job>\n  state?: "a" | "b" | null\n  labels?: {\n    [name]: string\n  }\n}';
  assert.equal(text, expected);
});
