// A lone agent as users start it: a process in front of another make of server (here a primary that knows of no endpoint), and a hub.
import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { testBothWays } from "./kit/both-ways.ts";
import { temporaryFolder } from "./kit/folder.ts";
import { startSurroundings } from "./kit/lone-site.ts";
import { sallyport } from "./kit/sallyport.ts";
import { password, until } from "./kit/site.ts";

testBothWays(
  "agent - in front of a server that knows of no endpoint runs the commands of the cloud as itself",
  async () => {
    using folder = temporaryFolder();
    await using site = await startSurroundings(folder.path);
    await using agent = await site.startAgent(...site.asAgent);
    const added = await site.cli("endpoint", "add", "--file", site.detailsFile, "--yes");
    assert.equal(added.code, 0, added.stderr);
    await site.connected();
    const created = site.created.endpoint;

    const { status, text: body } = await site.client.gateway(site.created.id, {
      method: "GET",
      path: "/netbackup/admin/jobs",
    });
    assert.equal(status, 200, body);
    const own = await site.client.gateway(site.created.id, {
      method: "GET",
      path: "/netbackup/sallyport/status",
    });
    assert.equal(own.status, 403);

    const rule = await site.cli("endpoint", "fail-back", created.groupId, "after-stable:10");
    assert.match(rule.stdout, /fails back: after-stable, 10 minutes/, rule.stderr);
    const groups = await site.cli("endpoint", "groups");
    assert.match(
      groups.stdout,
      new RegExp(`${created.groupId}.*${created.hostName}.*after-stable, 10 minutes`),
    );
    assert.match((await site.cli("endpoint", "reconnect")).stdout, /tries now/);
    const updated = await site.cli("endpoint", "update", created.hostName, "--priority", "7");
    assert.match(updated.stdout, /its certificate is the same/, updated.stderr);
    await site.connected();
    const list = await site.cli("endpoint", "list", "--json");
    assert.match(list.stdout, /"priority": 7/);
    assert.match(list.stdout, /"connectionState": "CONNECTED"/);
    const administration = join(site.agentDir, "administration.json");
    assert.equal(statSync(administration).mode & 0o777, 0o600);
    const { token } = JSON.parse(readFileSync(administration, "utf8")) as { token: string };
    const text = [agent.log.join("\n"), list.stdout, added.stdout].join("\n");
    for (const secret of [token, password, site.created.endpoint.token]) assert.ok(!text.includes(secret));
    assert.equal(await agent.stop(), 0);
  },
);

test("agent - lets commands bring their own credential, and keeps its endpoints and token over a restart", async () => {
  using folder = temporaryFolder();
  await using site = await startSurroundings(folder.path);
  const first = await site.startAgent();
  assert.equal((await site.cli("endpoint", "add", "--file", site.detailsFile, "--yes")).code, 0);
  await site.connected();
  const call = () => site.client.gateway(site.created.id, { method: "GET", path: "/netbackup/admin/jobs" });
  assert.equal((await call()).status, 401);
  const before = readFileSync(join(site.agentDir, "administration.json"), "utf8");
  await first.kill();

  await using _second = await site.startAgent();
  await until(async () => (await call()).status === 401);
  const tokenOf = (text: string) => (JSON.parse(text) as { token: string }).token;
  assert.equal(tokenOf(readFileSync(join(site.agentDir, "administration.json"), "utf8")), tokenOf(before));
});

test("agent - status, check and diag tell what is open and what is not, and give no secret away", async () => {
  using folder = temporaryFolder();
  await using site = await startSurroundings(folder.path);
  await using agent = await site.startAgent(...site.asAgent, "--monitoring-listen", "127.0.0.1:0");
  assert.equal((await site.cli("endpoint", "add", "--file", site.detailsFile, "--yes")).code, 0);
  await site.connected();
  const check = async () => {
    const { code, stdout } = await site.cli("agent", "check", "--idle-limit", "1s", "--json");
    const { checks } = JSON.parse(stdout) as { checks: { name: string; state: string; todo?: string }[] };
    return { code, outcomes: checks.map(({ name, state }) => `${state} ${name}`), found: checks };
  };
  const well = await check();
  assert.deepEqual(
    well.outcomes,
    ["dns tcp tls token", "dns tcp upstream clock login guard-rules audit disk", "idle-timeout"].flatMap(
      (names) => names.split(" ").map((name) => `pass ${name}`),
    ),
  );
  assert.equal(well.code, 0);
  const status = await site.cli("agent", "status");
  assert.match(status.stdout, /CONNECTED .*30 s .*1 s is borne/);
  assert.match(status.stdout, /jobs\s/);

  const packed = join(folder.path, "diag.json.gz");
  const logFile = join(folder.path, "agent.log");
  const { token } = JSON.parse(readFileSync(join(site.agentDir, "administration.json"), "utf8")) as {
    token: string;
  };
  // As if a log said what none may say.
  const leaks = [`{"token":"${site.created.endpoint.token}"}`, `the token ${token}`];
  for (const { path, text } of textsIn(site.agentDir)) if (path.endsWith(".key")) leaks.push(text);
  writeFileSync(logFile, [...agent.log, ...leaks].join("\n"));
  const diag = await site.cli("agent", "diag", "--out", packed, "--log-file", logFile);
  assert.equal(diag.code, 0, diag.stderr);
  const text = gunzipSync(readFileSync(packed)).toString();
  assert.match(text, /agent.started/);
  assert.match(text, /"pingIntervalMs": 30000/);
  assert.match(text, /"otherwise"/);
  const secrets = secretsIn(site.agentDir);
  for (const one of [token, site.created.endpoint.token]) assert.ok(secrets.includes(one));
  assert.ok(leaks.length > 3 && secrets.length > 4, "keys are among them");
  for (const secret of [...secrets, password]) assert.ok(!text.includes(secret), secret.slice(0, 4));

  // The server behind goes: what needs it fails, and says what to do.
  await site.netbackup.kill();
  const ill = await check();
  assert.equal(ill.code, 1);
  assert.deepEqual(ill.outcomes.slice(4), [
    "pass dns",
    "fail tcp",
    "pass guard-rules",
    "pass audit",
    "pass disk",
    "pass idle-timeout",
  ]);
  for (const { state, todo } of ill.found) assert.equal(todo !== undefined, state === "fail");
});

const refusals: [title: string, args: string[], said: RegExp][] = [
  ["no upstream", [], /required option '--upstream <url>' not specified/],
  [
    "monitoring that others can reach",
    ["--upstream", "https://nbu:1556", "--monitoring-listen", "0.0.0.0:9557"],
    /address of this machine alone/,
  ],
  ["an upstream without TLS", ["--upstream", "http://nbu:1556"], /has to be https:/],
  ["an upstream with a path", ["--upstream", "https://nbu:1556/elsewhere"], /without credentials or path/],
  [
    "a key where its file belongs",
    ["--upstream", "https://nbu:1556", "--api-key", "KEY-SECRET"],
    /the API key can't be read/,
  ],
  [
    "a user without a password",
    ["--upstream", "https://nbu:1556", "--user", "u"],
    /SALLYPORT_UPSTREAM_PASSWORD/,
  ],
  [
    "a password in the proxy's URL",
    ["--upstream", "https://nbu:1556", "--proxy", "http://u:SECRET@proxy:3128"],
    /--proxy-credential-file/,
  ],
  [
    "rules that are missing",
    ["--upstream", "https://nbu:1556", "--guard-rules", "/nonexistent/guard.yaml"],
    /guard\.yaml can't be read: ENOENT/,
  ],
  [
    "commands as an agent without a credential",
    ["--upstream", "https://nbu:1556", "--commands-as", "agent"],
    /needs --api-key-file/,
  ],
];
for (const [title, args, said] of refusals) {
  test(`agent - refuses ${title} with one line, exit code 2`, async () => {
    const { code, stderr } = await sallyport(["agent", "--data", "/nonexistent/agent", ...args]);
    assert.match(stderr, said);
    assert.doesNotMatch(stderr, /SECRET/);
    assert.equal(code, 2);
  });
}

/** All that lies in a folder, read byte by byte as text. */
function textsIn(dir: string): { path: string; text: string }[] {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => ({ path: path.slice(dir.length + 1), text: readFileSync(path, "latin1") }));
}

/** What must not leave the folder of an agent; a file of which it is not known whether it has secrets fails. */
function secretsIn(dir: string): string[] {
  const kinds: [RegExp, (text: string) => string[]][] = [
    [/^administration\.json$/, (text) => [(JSON.parse(text) as { token: string }).token]],
    [/\.key$/, (text) => text.split("\n").filter((line) => line.length > 20 && !line.startsWith("-"))],
    [/^agent\.db(-wal)?$/, () => tokensOf(join(dir, "agent.db"))],
    // Certificates, lists of what is in the audit, compiled code, locks: nothing that has to stay.
    [/\.pem$|\.pub$|^audit\/.*\.jsonl?$|^compile-cache\/|^(agent\.db-shm|lock(-journal)?)$/, () => []],
  ];
  return textsIn(dir).flatMap(({ path, text }) => {
    const kind = kinds.find(([pattern]) => pattern.test(path));
    assert.ok(kind !== undefined, `${path} is new: say here what in it is secret`);
    return kind[1](text);
  });
}

function tokensOf(path: string): string[] {
  using database = new DatabaseSync(path, { readOnly: true });
  return database
    .prepare("SELECT token FROM endpoint")
    .all()
    .map((row) => String(row["token"]));
}
