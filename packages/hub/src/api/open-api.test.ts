import assert from "node:assert/strict";
import { test } from "node:test";
import { Validator } from "@seriousme/openapi-schema-validator";
import { Contract } from "../testing/contract.ts";
import { HubFixture } from "../testing/hub-fixture.ts";

interface Operation {
  operationId?: string;
  security?: unknown[];
  responses: Record<string, { content?: Record<string, { schema: { $ref?: string } }> }>;
}

test("openapi - is a valid document of OpenAPI 3.1 that needs no key", async () => {
  await using fixture = await HubFixture.start();
  const reply = await fixture.call({ path: "/openapi.json", key: null });
  const validator = new Validator();
  const { valid, errors } = await validator.validate(JSON.parse(reply.text) as Record<string, unknown>);
  assert.ok(valid, JSON.stringify(errors, null, 1));
  assert.equal(validator.version, "3.1");
});

test("openapi - has what stands beside the routes, and a problem as the default answer of all that can be refused", async () => {
  await using fixture = await HubFixture.start();
  const { paths } = (await fixture.call({ path: "/openapi.json" })).json() as {
    paths: Record<string, Record<string, Operation>>;
  };
  for (const path of ["/nbwss", "/healthz", "/readyz", "/metrics", "/openapi.json"])
    assert.ok(paths[path]?.["get"], path);
  const gateway = paths["/api/v1/primaries/{id}/netbackup/{path}"] ?? {};
  assert.deepEqual(
    Object.keys(gateway).sort((a, b) => a.localeCompare(b)),
    ["delete", "get", "patch", "post", "put"],
  );
  for (const [path, item] of Object.entries(paths)) {
    if (!path.startsWith("/api/") && path !== "/metrics") continue;
    for (const [method, { responses }] of Object.entries(item)) {
      const problem = responses["default"]?.content?.["application/problem+json"]?.schema.$ref;
      assert.equal(problem, "#/components/schemas/Problem", `${method} ${path}`);
    }
  }
});

test("openapi - the contract of the tests finds answers that are not as described", async () => {
  await using fixture = await HubFixture.start();
  const contract = Contract.of((await fixture.call({ path: "/openapi.json" })).text);
  const exchange = { method: "GET", path: "/api/v1/session", status: 200, contentType: "application/json" };
  const rest = '"kind":"user","id":"i","name":"a","scope":{"kind":"all"}';
  contract.check({ ...exchange, text: `{${rest},"role":"viewer"}` });
  const cases: [object, RegExp][] = [
    [{ text: `{${rest},"role":"owner"}` }, /must be equal to one of the allowed values/],
    [{ text: `{${rest},"role":"viewer","token":"t"}` }, /must NOT have unevaluated properties/],
    [{ text: "{}", status: 202 }, /does not have this status/],
    [{ text: "{}", contentType: "text/html" }, /does not have the content type/],
    [{ text: "{}", path: "/api/v1/nothing" }, /does not have this operation/],
    [
      { text: '{"detail":"x"}', status: 404, contentType: "application/problem+json" },
      /must have required property/,
    ],
  ];
  for (const [wrong, said] of cases)
    assert.throws(() => contract.check({ ...exchange, text: "", ...wrong }), said);
});
