import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { ManualClock } from "@sallyport/nbwss/testing";
import type { ApiKey, SessionInfo, User } from "../index.ts";
import { adminKey, HubFixture, temporaryFolder, type Reply } from "../testing/hub-fixture.ts";

const path = "/api/v1/users";
const password = "a password of tests";

async function makeUser(fixture: HubFixture, more: object = {}): Promise<User> {
  const reply = await fixture.post(path, { login: "alice", password, ...more });
  assert.equal(reply.status, 201, reply.text);
  return reply.json() as User;
}
const codeOf = (reply: Reply) => (reply.json() as { code: string }).code;
const signIn = (fixture: HubFixture, login: string, tried: string) =>
  fixture.post("/api/v1/session", { login, password: tried }, { key: null });

test("users - are made, listed, changed and removed; what they may do holds at once", async () => {
  await using folder = await temporaryFolder();
  const dataDir = join(folder.path, "data");
  {
    await using fixture = await HubFixture.start({ dataDir });
    const methods = () => fixture.call({ path: "/api/v1/session/methods", key: null });
    assert.deepEqual((await methods()).json(), { apiKey: true, password: false, oidc: null });
    const user = await makeUser(fixture);
    assert.deepEqual((await methods()).json(), { apiKey: true, password: true, oidc: null });
    const { id, createdAt, ...rest } = user;
    assert.ok(Date.parse(createdAt) > 0);
    const expected = {
      login: "alice",
      name: "alice",
      role: "viewer",
      scope: { kind: "all" },
      disabled: false,
      lastSignInAt: null,
    };
    assert.deepEqual(rest, expected);
    const headers = await fixture.signIn({ login: "ALICE", password });
    const own = { key: null, headers };
    const shown = (await fixture.call({ path: "/api/v1/session", ...own })).json() as SessionInfo;
    assert.deepEqual(shown, { kind: "user", id, name: "alice", role: "viewer", scope: { kind: "all" } });
    const enrolAs = async () => (await fixture.post("/api/v1/primaries", { name: "p" }, own)).status;
    assert.equal(await enrolAs(), 403);
    const patch = (value: object) =>
      fixture.call({
        path: `${path}/${id}`,
        method: "PATCH",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(value),
      });
    const changed = (await patch({ role: "administrator", name: "Alice" })).json() as User;
    assert.deepEqual([changed.role, changed.name], ["administrator", "Alice"]);
    assert.equal(await enrolAs(), 201);
    assert.equal((await patch({ disabled: true })).status, 200);
    assert.equal((await fixture.call({ path: "/api/v1/session", ...own })).status, 401);
    assert.equal((await signIn(fixture, "alice", password)).status, 401);
    assert.equal((await patch({ disabled: false })).status, 200);
    assert.equal(
      (await fixture.call({ path: "/api/v1/session", ...own })).status,
      401,
      "its sessions had ended",
    );
    await makeUser(fixture, { login: "Bob", name: "Bob B." });
  }
  await using again = await HubFixture.start({ dataDir });
  const first = (await again.call({ path: `${path}?limit=1` })).json() as { data: User[]; next: string };
  const last = (await again.call({ path: `${path}?limit=1&cursor=${first.next}` })).json() as typeof first;
  assert.deepEqual(
    [...first.data, ...last.data].map(({ name }) => name),
    ["Alice", "Bob B."],
  );
  assert.ok(Date.parse(first.data[0]?.lastSignInAt ?? "") > 0);
  const headers = await again.signIn({ login: "bob", password });
  const removal = { path: `${path}/${last.data[0]?.id ?? ""}`, method: "DELETE" };
  assert.equal((await again.call(removal)).status, 204);
  assert.equal(codeOf(await again.call(removal)), "no_such_user");
  assert.equal((await again.call({ path: "/api/v1/session", key: null, headers })).status, 401);
  assert.equal((await signIn(again, "bob", password)).status, 401);
});

test("users - logins and passwords have rules, and only so many are taken", async () => {
  await using fixture = await HubFixture.start({ limits: { maxUsers: 2 } });
  for (const wrong of [
    { login: "alice", password: "eleven char" },
    { login: "alice@example.org", password: "Alice@Example.org" },
    { login: "al ice", password },
    { login: "alice", password, more: 1 },
  ]) {
    assert.equal((await fixture.post(path, wrong)).status, 400, wrong.login);
  }
  await makeUser(fixture);
  assert.equal(codeOf(await fixture.post(path, { login: "Alice", password })), "name_taken");
  await makeUser(fixture, { login: "bob" });
  assert.equal(codeOf(await fixture.post(path, { login: "carol", password })), "limit_reached");
});

test("users - change their own password with the current one; an administrator sets anybody's", async () => {
  await using fixture = await HubFixture.start();
  const { id } = await makeUser(fixture, { role: "operator" });
  const bob = await makeUser(fixture, { login: "bob" });
  const headers = await fixture.signIn({ login: "alice", password });
  const elsewhere = await fixture.signIn({ login: "alice", password });
  const own = { key: null, headers };
  const set = (of: string, value: object, more: object = own) =>
    fixture.post(`${path}/${of}/password`, value, more);
  const next = "the next password";
  assert.equal(codeOf(await set(id, { password: next })), "bad_request");
  assert.equal(codeOf(await set(id, { current: "wrong", password: next })), "forbidden");
  assert.equal(codeOf(await set(id, { current: password, password: "short" })), "bad_request");
  assert.equal(codeOf(await set(bob.id, { password: next })), "forbidden");
  assert.equal((await set(id, { current: password, password: next })).status, 204);
  const show = async (of: { Cookie: string }) =>
    (await fixture.call({ path: "/api/v1/session", key: null, headers: of })).status;
  assert.deepEqual([await show(headers), await show(elsewhere)], [200, 401]);
  assert.equal((await signIn(fixture, "alice", password)).status, 401);
  assert.equal((await signIn(fixture, "alice", next)).status, 204);
  assert.equal((await set(id, { password }, {})).status, 204, "as the administrator");
  assert.equal(await show(headers), 401);
  assert.equal((await signIn(fixture, "alice", password)).status, 204);
});

test("users - see themselves and nobody else; administrators those within their scope", async () => {
  await using fixture = await HubFixture.start();
  const scope = { kind: "labels", labels: { site: "a" } };
  const alice = await makeUser(fixture, { role: "administrator", scope });
  const bob = await makeUser(fixture, { login: "bob" });
  const carol = await makeUser(fixture, { login: "carol", scope });
  const as = async (login: string) => ({ key: null, headers: await fixture.signIn({ login, password }) });
  const [asAlice, asBob] = [await as("alice"), await as("bob")];
  const get = async (id: string, who: object) =>
    (await fixture.call({ path: `${path}/${id}`, ...who })).status;
  assert.deepEqual([await get(bob.id, asBob), await get(carol.id, asBob)], [200, 403]);
  assert.deepEqual([await get(bob.id, asAlice), await get(carol.id, asAlice)], [404, 200]);
  assert.equal((await fixture.call({ path, ...asBob })).status, 403);
  const listed = (await fixture.call({ path, ...asAlice })).json() as { data: User[] };
  assert.deepEqual(
    listed.data.map(({ login }) => login),
    ["alice", "carol"],
  );
  const patch = async (id: string, value: object) => {
    const headers = { ...asAlice.headers, "Content-Type": "application/json" };
    const reply = await fixture.call({
      path: `${path}/${id}`,
      method: "PATCH",
      key: null,
      headers,
      body: JSON.stringify(value),
    });
    return reply.status;
  };
  assert.equal(await patch(alice.id, { scope: { kind: "all" } }), 403);
  assert.equal(await patch(carol.id, { scope: { kind: "all" } }), 403);
  assert.equal(await patch(carol.id, { role: "operator" }), 200);
  assert.equal(await patch(bob.id, { disabled: true }), 404);
  const dave = { login: "dave", password };
  assert.equal((await fixture.post(path, dave, asAlice)).status, 403);
  assert.equal((await fixture.post(path, { ...dave, scope }, asAlice)).status, 201);
});

test("users - the last administrator is neither removed, disabled nor demoted", async () => {
  await using fixture = await HubFixture.start();
  const { id } = await makeUser(fixture, { role: "administrator" });
  const keys = (await fixture.call({ path: "/api/v1/api-keys" })).json() as { data: ApiKey[] };
  const own = { key: null, headers: await fixture.signIn({ login: "alice", password }) };
  const key = `/api/v1/api-keys/${keys.data[0]?.id ?? ""}`;
  assert.equal((await fixture.call({ path: key, method: "DELETE", ...own })).status, 204);
  const headers = { ...own.headers, "Content-Type": "application/json" };
  for (const patch of [{ disabled: true }, { role: "operator" }, { scope: { kind: "primaries", ids: [] } }]) {
    const body = JSON.stringify(patch);
    const reply = await fixture.call({ path: `${path}/${id}`, method: "PATCH", key: null, headers, body });
    assert.equal(codeOf(reply), "last_administrator", body);
  }
  const removed = await fixture.call({ path: `${path}/${id}`, method: "DELETE", ...own });
  assert.equal(codeOf(removed), "last_administrator");
});

test("sign-in - answers a wrong password and an unknown login alike, and is throttled by address and login", async () => {
  const clock = new ManualClock(Date.now());
  const limits = { maxFailuresPerAddress: 6, maxFailuresPerLogin: 3 };
  await using fixture = await HubFixture.start({ clock, limits, trustedProxies: ["127.0.0.1"] });
  await makeUser(fixture);
  const tried = async (login: string, from: string, word = "a wrong password") => {
    const reply = await fixture.post(
      "/api/v1/session",
      { login, password: word },
      { key: null, headers: { "X-Forwarded-For": from } },
    );
    const { detail } = reply.text === "" ? { detail: "" } : (reply.json() as { detail: string });
    return `${reply.status} ${detail}`;
  };
  const wrong = "401 login or password is wrong";
  assert.equal(await tried("alice", "203.0.113.1"), wrong);
  assert.equal(await tried("nobody", "203.0.113.1"), wrong);
  // At once, so that each begins before the others have failed.
  const many = await Promise.all([1, 2, 3, 4].map(() => tried("Alice", "203.0.113.2")));
  assert.equal(many.filter((answer) => answer === wrong).length, 2);
  const later = "429 too many failed tries; try again in 30 s";
  assert.equal(await tried("alice", "203.0.113.3", password), later, "from anywhere");
  clock.advance(30_000);
  assert.equal(await tried("alice", "203.0.113.3", password), "204 ");
  assert.equal(await tried("alice", "203.0.113.3", password), "204 ", "who succeeds is not counted");
  for (let login = 0; login < 6; login += 1) assert.equal(await tried(`user${login}`, "2001:db8::1"), wrong);
  assert.match(await tried("alice", "2001:db8::2", password), /^429/, "an IPv6 network counts as one");
});

test("sign-in - the hub answers others while passwords are hashed, and refuses what would pile up", async () => {
  await using fixture = await HubFixture.start({
    limits: { maxPasswordChecks: 1, maxWaitingPasswordChecks: 2 },
  });
  await makeUser(fixture);
  const order: string[] = [];
  const tries = ["a", "b", "c", "d", "e"].map(async (login) => {
    const { status } = await signIn(fixture, login, "a wrong password");
    order.push("sign-in");
    return status;
  });
  const other = fixture.call({ path: "/api/v1/primaries", key: adminKey }).then(() => order.push("other"));
  const statuses = await Promise.all(tries);
  await other;
  assert.ok(statuses.includes(429) && statuses.includes(401));
  assert.ok(order.indexOf("other") < 5, "before the last of them");
});
