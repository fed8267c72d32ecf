import assert from "node:assert/strict";
import { test } from "node:test";
import type { AuditItem, SessionInfo } from "../index.ts";
import { Browser } from "../testing/browser.ts";
import { HubFixture } from "../testing/hub-fixture.ts";
import { oidcClient, startProvider, type TestProvider } from "../testing/openid-provider.ts";
import { callerOfClaims } from "./oidc-claims.ts";
import type { OidcOptions } from "./oidc.ts";

const startPath = "/api/v1/session/oidc/start";
const callbackPath = "/api/v1/session/oidc/callback";
const mapping = { "backup-admins": "administrator", "backup-watchers": "viewer" } as const;

/** A hub and its provider, wired as an administrator would. */
async function start(options: Partial<OidcOptions> = {}, claimsInIdToken = true) {
  await using opened = new AsyncDisposableStack();
  let url = "";
  const provider = opened.use(await startProvider(() => `${url}${callbackPath}`, claimsInIdToken));
  const { issuer, ca } = provider;
  const oidc: OidcOptions = {
    issuer,
    ca,
    clientId: oidcClient.id,
    clientSecret: oidcClient.secret,
    label: "Company",
    roles: mapping,
    ...options,
  };
  const fixture = opened.use(await HubFixture.start({ oidc }));
  url = fixture.url;
  const resources = opened.move();
  const browser = () => new Browser([fixture.ca, provider.ca]);
  const dispose = () => resources.disposeAsync();
  return { provider, fixture, browser, [Symbol.asyncDispose]: dispose };
}

const alice = (groups: unknown): TestProvider["account"] => ({
  sub: "alice-subject",
  claims: { preferred_username: "alice@example.org", groups },
});

for (const where of ["ID token", "user info"]) {
  test(`oidc - signs somebody in with the role that the ${where} says, by a page of the hub's own`, async () => {
    await using started = await start({}, where === "ID token");
    const { provider, fixture } = started;
    const methods = await fixture.call({ path: "/api/v1/session/methods", key: null });
    assert.deepEqual(methods.json(), {
      apiKey: true,
      password: false,
      oidc: { label: "Company", startUrl: startPath },
    });
    provider.account = alice(["others", "backup-watchers", "backup-admins"]);
    const browser = started.browser();
    const page = await browser.visit(`${fixture.url}${startPath}`);
    assert.deepEqual([page.status, page.url.pathname], [200, callbackPath], page.text);
    assert.match(page.text, /<meta http-equiv="refresh" content="0;url=\/">/);
    assert.match(
      page.setCookies[0] ?? "",
      /^__Host-sallyport=[\w-]{43}; .*HttpOnly; Secure; SameSite=Strict$/,
    );
    assert.match(page.setCookies[1] ?? "", /^__Host-sallyport-oidc=; Max-Age=0/);
    const headers = { Cookie: browser.cookiesOf(fixture.url), Origin: fixture.url };
    const own = { key: null, headers };
    const session = (await fixture.call({ path: "/api/v1/session", ...own })).json() as SessionInfo;
    assert.match(session.id, /^oidc-[\da-f]{32}$/);
    assert.deepEqual(
      { ...session, id: "" },
      { kind: "user", id: "", name: "alice@example.org", role: "administrator", scope: { kind: "all" } },
    );
    assert.equal((await fixture.post("/api/v1/primaries", { name: "p" }, own)).status, 201);
    const audit = (await fixture.call({ path: `/api/v1/audit?actor=${session.id}` })).json() as {
      data: AuditItem[];
    };
    assert.deepEqual(
      audit.data.map(({ action, result }) => `${action} ${result}`),
      ["POST /api/v1/primaries done", `GET ${callbackPath} done`],
    );
    assert.equal((await fixture.call({ path: "/api/v1/session", method: "DELETE", ...own })).status, 204);
    assert.equal((await fixture.call({ path: "/api/v1/session", ...own })).status, 401);
  });
}

test("oidc - lets nobody in without a mapped role, unless there is a role for all", async () => {
  await using strict = await start();
  strict.provider.account = alice(["others", "constructor"]);
  const refused = await strict.browser().visit(`${strict.fixture.url}${startPath}`);
  assert.equal(refused.status, 403);
  assert.match(refused.text, /known to Company, but have no role here/);
  assert.ok(!refused.setCookies.some((cookie) => cookie.startsWith("__Host-sallyport=")));
  const audit = (await strict.fixture.call({ path: "/api/v1/audit" })).json() as { data: AuditItem[] };
  assert.deepEqual(
    audit.data.map(({ action, result }) => `${action} ${result}`),
    [`GET ${callbackPath} forbidden`],
  );
  await using open = await start({ defaultRole: "viewer" });
  open.provider.account = alice(undefined);
  assert.equal((await open.browser().visit(`${open.fixture.url}${startPath}`)).status, 200);
});

test("oidc - takes no answer that was not asked for here, was changed, or was used already", async () => {
  await using started = await start();
  const { provider, fixture } = started;
  provider.account = alice("backup-admins");
  const atCallback = (url: URL) => url.pathname === callbackPath;
  const mine = started.browser();
  const { url: answer } = await mine.visit(`${fixture.url}${startPath}`, atCallback);
  const attacker = started.browser();
  const { url: foreign } = await attacker.visit(`${fixture.url}${startPath}`, atCallback);
  const pending = mine.cookiesOf(fixture.url);
  const changed = new URL(answer);
  changed.searchParams.set("code", "made-up-code");
  const tries: [string, string, URL][] = [
    ["without what the browser kept", "", answer],
    ["with what is none", "__Host-sallyport-oidc=a.b", answer],
    ["somebody else's answer", pending, foreign],
    ["an answer without a state", pending, new URL(`${callbackPath}?code=x`, fixture.url)],
    ["an error that nobody asked for", pending, new URL(`${callbackPath}?error=access_denied`, fixture.url)],
    ["a code that was not given", pending, changed],
  ];
  for (const [what, Cookie, { pathname, search }] of tries) {
    const reply = await fixture.call({ path: `${pathname}${search}`, key: null, headers: { Cookie } });
    assert.equal(reply.status, 401, what);
    assert.deepEqual(
      reply.headers["set-cookie"]?.map((text) => text.split(";", 1)[0]),
      ["__Host-sallyport-oidc="],
      what,
    );
  }
  const again = started.browser();
  const { url: second } = await again.visit(`${fixture.url}${startPath}`, atCallback);
  const kept = again.cookiesOf(fixture.url);
  assert.equal((await again.visit(second)).status, 200);
  const path = `${second.pathname}${second.search}`;
  const replayed = await fixture.call({ path, key: null, headers: { Cookie: kept } });
  assert.equal(replayed.status, 401, "the code was used");
});

test("oidc - says so when the user or the provider says no, or the provider can't be asked", async () => {
  await using started = await start();
  const { provider, fixture } = started;
  provider.account = undefined;
  const denied = await started.browser().visit(`${fixture.url}${startPath}`);
  assert.equal(denied.status, 401);
  await using untrusted = await start({ ca: undefined });
  const page = await untrusted.browser().visit(`${untrusted.fixture.url}${startPath}`);
  assert.equal(page.status, 503, "the provider's authority is not trusted");
  assert.match(String(untrusted.fixture.log.all("oidc.failed")[0]?.["reason"]), /certificate/);
  await using wrong = await start({ clientSecret: "another-secret-of-a-test" });
  wrong.provider.account = alice("backup-admins");
  assert.equal((await wrong.browser().visit(`${wrong.fixture.url}${startPath}`)).status, 503);
  assert.ok(!wrong.fixture.log.text.includes("another-secret"));
});

test("oidc - failed answers are throttled by address, so that nobody makes the hub pester the provider", async () => {
  await using started = await start();
  const { fixture } = started;
  const path = `${callbackPath}?code=x&state=s`;
  const headers = { Cookie: "__Host-sallyport-oidc=s.n.v" };
  const statuses = new Set<number>();
  for (let tries = 0; tries < 22; tries += 1) {
    statuses.add((await fixture.call({ path, key: null, headers })).status);
  }
  assert.deepEqual([...statuses], [401, 429]);
});

test("oidc - without a provider there is no such route; a provider that lets nobody in is refused", async () => {
  await using fixture = await HubFixture.start();
  assert.equal((await fixture.call({ path: startPath, key: null })).status, 404);
  const oidc = { issuer: "https://id.example", clientId: "c", roles: {} };
  await assert.rejects(HubFixture.start({ oidc }), { code: "bad_option" });
  const plain = { ...oidc, issuer: "http://id.example", roles: mapping };
  await assert.rejects(HubFixture.start({ oidc: plain }), { code: "bad_option" });
});

test("oidc claims - roles are found by name or path, in lists or alone; the highest counts", () => {
  const role = (claims: Record<string, unknown>, roleClaim = "groups") =>
    callerOfClaims("https://id.example", "s", claims, { roleClaim, roles: mapping })?.role;
  assert.equal(role({ groups: ["backup-watchers", "backup-admins"] }), "administrator");
  assert.equal(role({ groups: "backup-watchers" }), "viewer");
  assert.equal(role({ groups: [7, null, "__proto__", "toString"] }), undefined);
  assert.equal(role({ realm_access: { roles: ["backup-admins"] } }, "realm_access.roles"), "administrator");
  assert.equal(role({ "https://x.example/roles": ["backup-watchers"] }, "https://x.example/roles"), "viewer");
  const named = callerOfClaims(
    "i",
    "s",
    { name: `a\nb${"c".repeat(200)}`, groups: "backup-watchers" },
    { roleClaim: "groups", roles: mapping },
  );
  assert.equal(named?.name, `ab${"c".repeat(126)}`);
});
