// Who may call what: every route of /openapi.json, with each role and scope. A route that is added needs a row here.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { reaches, roles, type Role } from "../access/roles.ts";
import type { StoredCommand, User } from "../index.ts";
import { adminKey, HubFixture, type Reply } from "../testing/hub-fixture.ts";

/** Whether what a call is about lies within the scope of callers who are limited to the primaries of site "a". */
type Where = "inside" | "outside";

interface Row {
  /** As in /openapi.json. */
  route: string;
  /** The least role that may; "open" for those who have no key. */
  least: Role | "open";
  /**
   * What it is for callers who may only see some primaries: "whole" concerns the whole hub and is refused; "target" is about one
   * thing, which does not exist for them when it is outside; "shown" answers only what they may see.
   */
  scope: "whole" | "target" | "shown";
  /** What an allowed call is answered: a status, or the code of an error that comes after the permission. */
  ok: number | string;
  /** Makes what the call is about, and returns what its path is completed with: a value for each `{…}`. */
  target?: (where: Where) => Promise<readonly string[]>;
  query?: string;
  body?: object;
}

const password = "a password of tests";
const site = (where: Where) => ({ site: where === "inside" ? "a" : "b" });
const limitedTo = (where: Where) => ({ kind: "labels", labels: site(where) });
let names = 0;
const newName = () => `made-${(names += 1)}`;

let fixture: HubFixture;
const keys = new Map<string, string>();

const made = (reply: Reply, status = 201): { id: string } => {
  assert.equal(reply.status, status, reply.text);
  return reply.json() as { id: string };
};
const primary = async (where: Where) => [
  made(await fixture.post("/api/v1/primaries", { name: newName(), labels: site(where) })).id,
];
const apiKey = async (where: Where) => [
  (await fixture.makeKey({ name: newName(), scope: limitedTo(where) })).id,
];
/** Passwords take their time: one user of each kind does, since nothing but the last row removes one. */
const known = new Map<Where, User>();
const user = async (where: Where): Promise<readonly string[]> => {
  const found = known.get(where);
  if (found !== undefined && (await fixture.call({ path: `/api/v1/users/${found.id}` })).status === 200)
    return [found.id];
  const reply = await fixture.post("/api/v1/users", { login: newName(), password, scope: limitedTo(where) });
  known.set(where, made(reply) as User);
  return user(where);
};
const command = async (where: Where) => {
  const [id = ""] = await primary(where);
  const path = `/api/v1/primaries/${id}/netbackup/admin/jobs`;
  const reply = await fixture.post(path, {}, { headers: { Prefer: "respond-async" } });
  assert.equal(reply.status, 202, reply.text);
  const list = await fixture.call({ path: `/api/v1/commands?primary=${id}` });
  return [(list.json() as { data: StoredCommand[] }).data[0]?.id ?? ""];
};
const rollout = (ids: readonly string[]) => ({
  name: "r",
  command: { method: "POST", path: "/netbackup/x" },
  primaries: { kind: "primaries", ids },
});
const startedRollout = async (where: Where) => [
  made(await fixture.post("/api/v1/rollouts", rollout(await primary(where)))).id,
];
const token = async (where: Where) => {
  const [id = ""] = await primary(where);
  const list = await fixture.call({ path: `/api/v1/primaries/${id}/tokens` });
  return [id, (list.json() as { data: { id: string }[] }).data[0]?.id ?? ""];
};
const primaryAnd =
  (...more: string[]) =>
  async (where: Where) => [...(await primary(where)), ...more];
const nowhere = async () => ["x"];

const credential = { userName: "u", password: "p" };
const relayed = { scope: "target", ok: "not_connected", target: primaryAnd("admin/jobs") } as const;

/** One line for each route. */
const table: readonly Row[] = [
  { route: "GET /healthz", least: "open", scope: "shown", ok: 200 },
  { route: "GET /readyz", least: "open", scope: "shown", ok: 200 },
  { route: "GET /openapi.json", least: "open", scope: "shown", ok: 200 },
  { route: "GET /metrics", least: "viewer", scope: "whole", ok: 200 },

  { route: "GET /api/v1/session/methods", least: "open", scope: "shown", ok: 200 },
  { route: "POST /api/v1/session", least: "open", scope: "shown", ok: 204, body: { apiKey: adminKey } },
  // The provider of this hub can't be reached, and nobody began.
  { route: "GET /api/v1/session/oidc/start", least: "open", scope: "shown", ok: 503 },
  { route: "GET /api/v1/session/oidc/callback", least: "open", scope: "shown", ok: 401 },
  { route: "GET /api/v1/session", least: "viewer", scope: "shown", ok: 200 },
  { route: "DELETE /api/v1/session", least: "viewer", scope: "shown", ok: 204 },

  // Made with a scope of their own, which is all unless said: too wide for those who are limited.
  {
    route: "POST /api/v1/api-keys",
    least: "administrator",
    scope: "whole",
    ok: "bad_request",
    body: { name: "late", expiresAt: "2000-01-01T00:00:00Z" },
  },
  { route: "GET /api/v1/api-keys", least: "administrator", scope: "shown", ok: 200 },
  { route: "GET /api/v1/api-keys/{id}", least: "administrator", scope: "target", ok: 200, target: apiKey },
  { route: "DELETE /api/v1/api-keys/{id}", least: "administrator", scope: "target", ok: 204, target: apiKey },
  {
    route: "POST /api/v1/users",
    least: "administrator",
    scope: "whole",
    ok: "bad_request",
    body: { login: password.replaceAll(" ", "."), password: password.replaceAll(" ", ".") },
  },
  { route: "GET /api/v1/users", least: "administrator", scope: "shown", ok: 200 },
  { route: "GET /api/v1/users/{id}", least: "administrator", scope: "target", ok: 200, target: user },
  {
    route: "PATCH /api/v1/users/{id}",
    least: "administrator",
    scope: "target",
    ok: 200,
    target: user,
    body: { name: "b" },
  },
  {
    route: "POST /api/v1/users/{id}/password",
    least: "administrator",
    scope: "target",
    ok: 204,
    target: user,
    body: { password },
  },
  { route: "DELETE /api/v1/users/{id}", least: "administrator", scope: "target", ok: 204, target: user },
  { route: "GET /api/v1/audit", least: "operator", scope: "shown", ok: 200 },

  {
    route: "POST /api/v1/primaries",
    least: "administrator",
    scope: "whole",
    ok: "name_taken",
    body: { name: "taken" },
  },
  { route: "GET /api/v1/primaries", least: "viewer", scope: "shown", ok: 200 },
  { route: "GET /api/v1/primaries/summary", least: "viewer", scope: "shown", ok: 200 },
  { route: "GET /api/v1/primaries/{id}", least: "viewer", scope: "target", ok: 200, target: primary },
  {
    route: "PATCH /api/v1/primaries/{id}",
    least: "administrator",
    scope: "target",
    ok: 200,
    target: primary,
    body: {},
  },
  {
    route: "DELETE /api/v1/primaries/{id}",
    least: "administrator",
    scope: "target",
    ok: 204,
    target: primary,
  },
  {
    route: "POST /api/v1/primaries/{id}/details",
    least: "administrator",
    scope: "target",
    ok: 201,
    target: primary,
    body: {},
  },
  {
    route: "POST /api/v1/primaries/{id}/token",
    least: "administrator",
    scope: "target",
    ok: 201,
    target: primary,
    body: {},
  },
  { route: "GET /api/v1/primaries/{id}/tokens", least: "viewer", scope: "target", ok: 200, target: primary },
  {
    route: "DELETE /api/v1/primaries/{id}/tokens/{tokenId}",
    least: "administrator",
    scope: "target",
    ok: 204,
    target: token,
  },
  {
    route: "GET /api/v1/primaries/{id}/timeline",
    least: "viewer",
    scope: "target",
    ok: 200,
    target: primary,
  },
  {
    route: "POST /api/v1/primaries/{id}/warnings/{kind}/acknowledge",
    least: "operator",
    scope: "target",
    ok: "not_found",
    target: primaryAnd("token_shared"),
  },
  {
    route: "PUT /api/v1/primaries/{id}/credential",
    least: "administrator",
    scope: "target",
    ok: 200,
    target: primary,
    body: credential,
  },
  {
    route: "GET /api/v1/primaries/{id}/credential",
    least: "operator",
    scope: "target",
    ok: "no_such_credential",
    target: primary,
  },
  {
    route: "DELETE /api/v1/primaries/{id}/credential",
    least: "administrator",
    scope: "target",
    ok: "no_such_credential",
    target: primary,
  },
  // Whoever has the secret in the path.
  { route: "GET /api/v1/endpoint-details/{secret}", least: "open", scope: "shown", ok: 404, target: nowhere },

  { route: "GET /api/v1/primaries/{id}/netbackup/{path}", least: "viewer", ...relayed },
  { route: "POST /api/v1/primaries/{id}/netbackup/{path}", least: "operator", ...relayed, body: {} },
  { route: "PUT /api/v1/primaries/{id}/netbackup/{path}", least: "operator", ...relayed, body: {} },
  { route: "PATCH /api/v1/primaries/{id}/netbackup/{path}", least: "operator", ...relayed, body: {} },
  { route: "DELETE /api/v1/primaries/{id}/netbackup/{path}", least: "operator", ...relayed },
  { route: "GET /api/v1/commands", least: "viewer", scope: "shown", ok: 200 },
  { route: "GET /api/v1/alert-rules", least: "viewer", scope: "whole", ok: 200 },
  {
    route: "POST /api/v1/alert-rules",
    least: "administrator",
    scope: "whole",
    ok: 201,
    body: { name: "r", condition: { kind: "inbox_behind", seconds: 60 } },
  },
  {
    route: "GET /api/v1/alert-rules/{id}",
    least: "viewer",
    scope: "whole",
    ok: "no_such_alert_rule",
    target: nowhere,
  },
  {
    route: "PATCH /api/v1/alert-rules/{id}",
    least: "administrator",
    scope: "whole",
    ok: "no_such_alert_rule",
    target: nowhere,
    body: {},
  },
  {
    route: "DELETE /api/v1/alert-rules/{id}",
    least: "administrator",
    scope: "whole",
    ok: "no_such_alert_rule",
    target: nowhere,
  },
  { route: "GET /api/v1/alerts", least: "viewer", scope: "shown", ok: 200 },
  {
    route: "POST /api/v1/alerts/{id}/acknowledge",
    least: "operator",
    scope: "shown",
    ok: "no_such_alert",
    target: nowhere,
    body: {},
  },
  { route: "GET /api/v1/webhooks", least: "operator", scope: "whole", ok: 200 },
  {
    route: "POST /api/v1/webhooks",
    least: "administrator",
    scope: "whole",
    ok: "bad_request",
    body: { url: "https://127.0.0.1" },
  },
  {
    route: "GET /api/v1/webhooks/{id}",
    least: "operator",
    scope: "whole",
    ok: "no_such_webhook",
    target: nowhere,
  },
  {
    route: "PATCH /api/v1/webhooks/{id}",
    least: "administrator",
    scope: "whole",
    ok: "no_such_webhook",
    target: nowhere,
    body: {},
  },
  {
    route: "DELETE /api/v1/webhooks/{id}",
    least: "administrator",
    scope: "whole",
    ok: "no_such_webhook",
    target: nowhere,
  },
  {
    route: "POST /api/v1/webhooks/{id}/secret",
    least: "administrator",
    scope: "whole",
    ok: "no_such_webhook",
    target: nowhere,
    body: {},
  },
  {
    route: "GET /api/v1/webhooks/{id}/deliveries",
    least: "operator",
    scope: "whole",
    ok: "no_such_webhook",
    target: nowhere,
  },
  {
    route: "POST /api/v1/webhooks/{id}/deliveries/{deliveryId}/redeliver",
    least: "operator",
    scope: "whole",
    ok: "no_such_webhook",
    target: async () => ["x", "1"],
  },
  {
    route: "POST /api/v1/webhooks/{id}/replay",
    least: "operator",
    scope: "whole",
    ok: "no_such_webhook",
    target: nowhere,
    body: { from: 1, to: 1 },
  },
  {
    route: "POST /api/v1/webhooks/{id}/test",
    least: "operator",
    scope: "whole",
    ok: "no_such_webhook",
    target: nowhere,
  },
  { route: "GET /api/v1/commands/{id}", least: "viewer", scope: "target", ok: 200, target: command },
  { route: "DELETE /api/v1/commands/{id}", least: "operator", scope: "target", ok: 204, target: command },

  {
    route: "POST /api/v1/rollouts",
    least: "operator",
    scope: "shown",
    ok: 200,
    target: primary,
    body: { ...rollout([]), primaries: { kind: "labels", labels: site("inside") }, dryRun: true },
  },
  { route: "GET /api/v1/rollouts", least: "viewer", scope: "shown", ok: 200 },
  { route: "GET /api/v1/rollouts/{id}", least: "viewer", scope: "target", ok: 200, target: startedRollout },
  {
    route: "GET /api/v1/rollouts/{id}/targets",
    least: "viewer",
    scope: "target",
    ok: 200,
    target: startedRollout,
  },
  {
    route: "POST /api/v1/rollouts/{id}/pause",
    least: "operator",
    scope: "target",
    ok: 200,
    target: startedRollout,
  },
  {
    route: "POST /api/v1/rollouts/{id}/resume",
    least: "operator",
    scope: "target",
    ok: 200,
    target: startedRollout,
  },
  {
    route: "POST /api/v1/rollouts/{id}/abort",
    least: "operator",
    scope: "target",
    ok: 200,
    target: startedRollout,
  },

  { route: "GET /api/v1/notifications", least: "viewer", scope: "shown", ok: 200 },
  { route: "GET /api/v1/jobs", least: "viewer", scope: "shown", ok: 200 },
  { route: "GET /api/v1/jobs/summary", least: "viewer", scope: "shown", ok: 200 },
  { route: "GET /api/v1/images", least: "viewer", scope: "shown", ok: 200 },
  { route: "GET /api/v1/backups/last-good", least: "viewer", scope: "shown", ok: 200 },
  { route: "GET /api/v1/backups/silent-primaries", least: "viewer", scope: "shown", ok: 200 },
];

/** Routes that answer without an end, or are no HTTP routes: their own tests say who may use them. */
const elsewhere = new Set(["GET /api/v1/notifications/stream", "GET /nbwss"]);

/** Calls a route, with this key or none; returns the status, or an error's code. */
async function call(row: Row, key: string | null, where: Where): Promise<{ status: number; code: string }> {
  const [method = "", pattern = ""] = row.route.split(" ");
  const values = [...((await row.target?.(where)) ?? [])];
  const path = pattern.replaceAll(/\{\w+\}/g, () => values.shift() ?? "");
  const body = row.body === undefined ? {} : { body: JSON.stringify(row.body) };
  const headers = { "Content-Type": "application/json" };
  const reply = await fixture.call({ path: `${path}${row.query ?? ""}`, method, key, headers, ...body });
  const isProblem = reply.headers["content-type"] === "application/problem+json";
  return { status: reply.status, code: isProblem ? (reply.json() as { code: string }).code : "" };
}

const isOk = ({ ok }: Row, { status, code }: { status: number; code: string }) =>
  typeof ok === "number" ? status === ok : code === ok;

describe("permissions", () => {
  before(async () => {
    const oidc = { issuer: "https://127.0.0.1:1", clientId: "c", roles: { a: "viewer" } } as const;
    fixture = await HubFixture.start({ oidc });
    await fixture.enrol("taken");
    for (const role of roles) {
      keys.set(`${role} of all`, (await fixture.makeKey({ name: `${role}-all`, role })).key);
      const limited = await fixture.makeKey({ name: `${role}-some`, role, scope: limitedTo("inside") });
      keys.set(`${role} of some`, limited.key);
    }
  });
  after(() => fixture[Symbol.asyncDispose]());

  test("permissions - the table has every route of /openapi.json, and no others", async () => {
    const document = (await fixture.call({ path: "/openapi.json", key: null })).json() as {
      paths: Record<string, object>;
    };
    const routes = Object.entries(document.paths).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const known = new Set([...table.map(({ route }) => route), ...elsewhere]);
    assert.deepEqual(
      {
        "without a row": routes.filter((route) => !known.has(route)),
        "rows without a route": [...known].filter((route) => !routes.includes(route)),
      },
      { "without a row": [], "rows without a route": [] },
    );
  });

  for (const row of table) {
    test(`permissions - ${row.route}: ${row.least}, ${row.scope}`, async () => {
      const anonymous = await call(row, null, "inside");
      if (row.least === "open") {
        assert.ok(isOk(row, anonymous), `without a key: ${JSON.stringify(anonymous)}`);
        return;
      }
      assert.equal(anonymous.status, 401, "without a key");
      for (const [who, key] of keys) {
        const role = roles.find((name) => who.startsWith(name)) ?? "viewer";
        const isLimited = who.endsWith("of some");
        for (const where of row.scope === "target"
          ? (["inside", "outside"] as const)
          : (["inside"] as const)) {
          const answer = await call(row, key, where);
          const what = `${who}, ${where}: ${JSON.stringify(answer)}`;
          const isHidden = isLimited && where === "outside";
          if (!reaches(role, row.least))
            assert.ok(answer.status === 403 || (isHidden && answer.status === 404), what);
          else if (isHidden) assert.ok(answer.status === 404 && answer.code.startsWith("no_such_"), what);
          else if (isLimited && row.scope === "whole") assert.equal(answer.code, "forbidden", what);
          else assert.ok(isOk(row, answer), what);
        }
      }
    });
  }
});
