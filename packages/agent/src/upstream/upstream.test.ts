// The agent's own standing at an upstream, with a REST server over real TLS that knows one user and one key.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Command } from "@sallyport/nbwss";
import { ManualClock } from "@sallyport/nbwss/testing";
import { pino } from "pino";
import { startTlsServer } from "../../../../tests/kit/tls-server.ts";
import { defaultAgentLimits } from "../limits.ts";
import { openUpstream } from "./upstream.ts";
import type { UpstreamCredential } from "./credential.ts";

const alive = new AbortController().signal;
const get = (uri: string, headers = {}): Command => ({ uri, method: "GET", headers });

/** A NetBackup of one user, "agent", whose password and API key a test may change. */
async function startNetBackup() {
  const state = {
    password: "right",
    key: "key-1",
    validity: 100,
    logins: 0,
    seen: [] as (string | undefined)[],
  };
  const tokens = new Set<string>();
  const tls = await startTlsServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const authorization = request.headers.authorization ?? "";
      if (request.url === "/netbackup/login") {
        state.logins += 1;
        const { userName, password } = JSON.parse(Buffer.concat(chunks).toString()) as Record<string, string>;
        if (userName !== "agent" || password !== state.password) {
          return response.writeHead(401).end('{"errorCode":8000,"errorMessage":"wrong password"}');
        }
        const token = `jwt-${state.logins}`;
        tokens.add(token);
        return response.writeHead(201).end(JSON.stringify({ token, validity: state.validity }));
      }
      state.seen.push(request.headers.authorization);
      const known = tokens.has(authorization) || authorization === state.key;
      return response
        .writeHead(known ? 200 : 401)
        .end(JSON.stringify({ cookie: request.headers.cookie ?? null }));
    });
  });
  const clock = new ManualClock();
  const lines: string[] = [];
  const log = pino({ level: "debug" }, { write: (line: string) => void lines.push(line) });
  const open = (credential?: UpstreamCredential, commandsAs: "caller" | "agent" = "agent") =>
    openUpstream({ origin: tls.origin, ca: [tls.caPem], credential, commandsAs }, defaultAgentLimits, {
      clock,
      log,
    });
  return { ...tls, state, tokens, clock, lines, open };
}

const user = (readPassword: () => string): UpstreamCredential => ({
  kind: "login",
  userName: "agent",
  readPassword,
});

test("upstream - commands run as their callers unless the agent is told to use its own credential", async () => {
  await using netbackup = await startNetBackup();
  const upstream = netbackup.open(
    user(() => "right"),
    "caller",
  );
  assert.equal((await upstream.commands.execute(get("/netbackup/x"), alive)).status, 401);
  assert.equal(
    (await upstream.commands.execute(get("/netbackup/x", { authorization: "key-1" }), alive)).status,
    200,
  );
  assert.deepEqual(netbackup.state.seen, [undefined, "key-1"]);
  assert.equal(netbackup.state.logins, 0);
  upstream.close();
});

test("upstream - as the agent a command loses what its caller brought, and one login serves all", async () => {
  await using netbackup = await startNetBackup();
  const upstream = netbackup.open(user(() => "right"));
  const brought = { Authorization: "stolen", Cookie: "Authorization=stolen" };
  const answers = await Promise.all(
    [1, 2, 3].map(() => upstream.commands.execute(get("/netbackup/x", brought), alive)),
  );
  assert.deepEqual(
    answers.map(({ status, body }) => [status, body]),
    Array.from({ length: 3 }, () => [200, '{"cookie":null}']),
  );
  assert.deepEqual(netbackup.state.seen, Array(3).fill("jwt-1"));
  assert.equal(netbackup.state.logins, 1);
  upstream.close();
});

test("upstream - a login is renewed before it ends, and once when it is refused before its time", async () => {
  await using netbackup = await startNetBackup();
  const upstream = netbackup.open(user(() => "right"));
  const call = () => upstream.own?.execute(get("/netbackup/x"), alive);
  await call();
  netbackup.clock.advance(79_000);
  await call();
  assert.equal(netbackup.state.logins, 1);
  netbackup.clock.advance(2_000);
  await call();
  assert.equal(netbackup.state.logins, 2);
  // A clock that is set, or that stood while the machine slept, does not matter: the upstream's word does.
  netbackup.tokens.clear();
  assert.equal((await call())?.status, 200);
  assert.equal(netbackup.state.logins, 3);
  upstream.close();
});

test("upstream - a wrong password is tried slowly, answered 502, mended by its file, and never shown", async () => {
  await using netbackup = await startNetBackup();
  let password = "wrong-SECRET";
  const upstream = netbackup.open(user(() => password));
  const call = () => upstream.commands.execute(get("/netbackup/x"), alive);
  for (let n = 0; n < 5; n += 1) {
    const answer = await call();
    assert.equal(answer.status, 502);
    assert.match(answer.body, /refuses the agent's own login \(401\): wrong password/);
    assert.doesNotMatch(answer.body, /SECRET/);
  }
  assert.equal(netbackup.state.logins, 1);
  netbackup.clock.advance(30_000);
  await call();
  netbackup.clock.advance(30_000);
  await call();
  assert.equal(netbackup.state.logins, 2);
  password = "right";
  netbackup.clock.advance(30_000);
  assert.equal((await call()).status, 200);
  assert.doesNotMatch(netbackup.lines.join(""), /SECRET|jwt-/);
  upstream.close();
});

test("upstream - an API key that was changed in its file is taken up when the old one is refused", async () => {
  await using netbackup = await startNetBackup();
  let key = "key-1";
  const upstream = netbackup.open({ kind: "api-key", read: () => key });
  const call = () => upstream.commands.execute(get("/netbackup/x"), alive);
  assert.equal((await call()).status, 200);
  netbackup.state.key = "key-2";
  assert.equal((await call()).status, 401);
  key = "key-2";
  assert.equal((await call()).status, 200);
  upstream.close();
});

test("upstream - as the agent a login is the caller's own, and nobody ends the agent's session", async () => {
  await using netbackup = await startNetBackup();
  const upstream = netbackup.open(user(() => "right"));
  const login = JSON.stringify({ userName: "agent", password: "guess" });
  const answer = await upstream.commands.execute(
    { ...get("/netbackup/login"), method: "POST", parameters: login },
    alive,
  );
  assert.equal(answer.status, 401);
  for (const uri of [
    "/netbackup/logout",
    "/netbackup//logout/?x=1",
    "/netbackup/%6cogout",
    "/netbackup/Logout",
  ]) {
    assert.equal((await upstream.commands.execute({ ...get(uri), method: "POST" }, alive)).status, 403);
  }
  upstream.close();
});

test("upstream - commands can't run as an agent that has no credential", async () => {
  await using netbackup = await startNetBackup();
  assert.throws(() => netbackup.open(undefined, "agent"), /no credential/);
});
