import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { Browser } from "./testing/browser.ts";
import { adminKey, HubFixture, temporaryFolder } from "./testing/hub-fixture.ts";
import { oidcClient, startProvider } from "./testing/openid-provider.ts";

test("secrets - are in no log line and in no file of the data folder", async () => {
  await using folder = await temporaryFolder();
  const dataDir = join(folder.path, "data");
  await using fixture = await HubFixture.start({ dataDir });
  const primary = await fixture.enrol();
  const { token } = primary.endpoint;
  const detailsPath = new URL(primary.detailsUrl).pathname;
  const connection = await fixture.dial(primary, () =>
    Promise.resolve({ status: 201, headers: {}, body: '{"token":"answered-jwt-of-a-test"}' }),
  );
  const base = `/api/v1/primaries/${primary.id}/netbackup`;
  await fixture.post(`${base}/login?code=query-secret-of-a-test`, {
    userName: "u",
    password: "password-of-a-test",
  });
  await fixture.call({ path: `${base}/x`, headers: { "X-NetBackup-Authorization": "jwt-of-a-test" } });
  await fixture.call({ path: `${base}/x`, key: "wrong-key-of-a-test" });
  await fixture.call({
    path: "/api/v1/primaries",
    key: null,
    headers: { Cookie: "__Host-sallyport=cookie-of-a-test" },
  });
  const session = await fixture.post("/api/v1/session", { apiKey: adminKey }, { key: null });
  const cookie = /=([^;]+)/.exec(session.headers["set-cookie"]?.[0] ?? "")?.[1] ?? "";
  await fixture.post("/api/v1/session", { apiKey: "wrong-login-of-a-test", more: "x" }, { key: null });
  await fixture.call({ path: detailsPath, key: null });
  await fixture.call({ path: detailsPath, key: null });
  const wrong = { ...primary, endpoint: { ...primary.endpoint, token: "wrong-token-of-a-test" } };
  await assert.rejects(fixture.dial(wrong));
  await connection.close();
  await fixture.hub.close();
  const secrets = [
    token,
    detailsPath.split("/").at(-1) ?? "",
    cookie,
    adminKey,
    "query-secret-of-a-test",
    "password-of-a-test",
    "answered-jwt-of-a-test",
    "jwt-of-a-test",
    "wrong-key-of-a-test",
    "cookie-of-a-test",
    "wrong-login-of-a-test",
    "wrong-token-of-a-test",
  ];
  assert.ok(fixture.log.lines.length > 5);
  await assertNowhere(secrets, fixture.log.text, dataDir);
});

test("secrets - of those who sign in are in no log line, file, audit entry or other answer", async () => {
  await using folder = await temporaryFolder();
  const dataDir = join(folder.path, "data");
  let url = "";
  await using provider = await startProvider(() => `${url}/api/v1/session/oidc/callback`);
  const { issuer, ca } = provider;
  const { id: clientId, secret: clientSecret } = oidcClient;
  const oidc = { issuer, ca, clientId, clientSecret, roles: { admins: "administrator" } } as const;
  await using fixture = await HubFixture.start({ dataDir, oidc });
  url = fixture.url;
  const headers = { "Idempotency-Key": "one" };
  const password = "first-password-of-a-test";
  const made = await fixture.post("/api/v1/users", { login: "alice", password }, { headers });
  const replayed = await fixture.post("/api/v1/users", { login: "alice", password }, { headers });
  assert.equal(replayed.text, made.text);
  const key = await fixture.post(
    "/api/v1/api-keys",
    { name: "a" },
    { headers: { "Idempotency-Key": "two" } },
  );
  const { key: apiKey } = key.json() as { key: string };
  const own = { key: null, headers: await fixture.signIn({ login: "alice", password }) };
  const { id } = made.json() as { id: string };
  const set = (value: object) => fixture.post(`/api/v1/users/${id}/password`, value, own);
  await set({ current: "wrong-current-of-a-test", password: "second-password-of-a-test" });
  await set({ current: password, password: "second-password-of-a-test" });
  await set({ current: password, password: "short-1" });
  for (const proof of [
    { login: "alice", password: "wrong-password-of-a-test" },
    { login: "password-as-login-of-a-test", password },
    { login: "alice", password, wrong: "member-of-a-test" },
    { apiKey: "wrong-key-of-a-test" },
  ]) {
    await fixture.post("/api/v1/session", proof, { key: null });
  }
  provider.account = { sub: "subject", claims: { preferred_username: "bob", groups: ["admins"] } };
  const browser = new Browser([fixture.ca, ca]);
  const started = await browser.visit(`${url}/api/v1/session/oidc/start`, ({ origin }) => origin === issuer);
  const pending = browser.cookiesOf(url).split("=").at(-1) ?? "";
  const page = await browser.visit(started.url);
  assert.equal(page.status, 200);
  await fixture.call({ path: `${page.url.pathname}${page.url.search}`, key: null });
  const paths = ["/users", "/api-keys", "/audit?limit=1000", "/notifications?limit=1000"];
  const shown = await Promise.all(paths.map((path) => fixture.call({ path: `/api/v1${path}` })));
  const answers = shown.map(({ text }) => text).join("\n");
  await fixture.hub.close();
  const secrets = [
    password,
    apiKey,
    clientSecret,
    "second-password-of-a-test",
    "wrong-current-of-a-test",
    "wrong-password-of-a-test",
    "password-as-login-of-a-test",
    "member-of-a-test",
    "wrong-key-of-a-test",
    own.headers.Cookie.split("=").at(-1) ?? "",
    browser.cookiesOf(url).split("=").at(-1) ?? "",
    page.url.searchParams.get("code") ?? "",
    ...pending.split("."),
    ...provider.issued,
  ];
  assert.ok(provider.issued.length >= 2 && pending.split(".").length === 3);
  assert.ok(fixture.log.all("access.refused").length >= 3);
  await assertNowhere(secrets, fixture.log.text, dataDir);
  for (const secret of [...secrets, "argon2id", "keyHash"]) assert.ok(!answers.includes(secret), secret);
  assert.ok(!fixture.log.text.includes("argon2id"));
});

/** Fails when a secret is in the log or in a database of the data folder. */
async function assertNowhere(secrets: readonly string[], log: string, dataDir: string): Promise<void> {
  const kept = [];
  for (const name of await readdir(dataDir)) {
    if (name.includes("sqlite")) kept.push(await readFile(join(dataDir, name), "latin1"));
  }
  assert.ok(kept.length >= 3);
  for (const secret of secrets) {
    assert.ok(secret.length > 8 && !log.includes(secret), `${secret.slice(0, 12)} is in the log`);
    assert.ok(!kept.some((content) => content.includes(secret)), `${secret.slice(0, 12)} is in a file`);
  }
}
