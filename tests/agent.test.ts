// A lone agent as users start it: a process in front of another make of server (here a primary that knows of no endpoint), and a hub.
import assert from "node:assert/strict";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { HubClient } from "@sallyport/cli";
import { temporaryFolder } from "./kit/folder.ts";
import { sallyport, startServer } from "./kit/sallyport.ts";
import { adminKey, password, until } from "./kit/site.ts";

const user = "backupadmin";

/** A hub, a server behind the firewall, and the details of an endpoint for it in a file. */
async function startSurroundings(dir: string) {
  await using starting = new AsyncDisposableStack();
  const hub = starting.use(
    await startServer(["hub", "--data", join(dir, "hub"), "--listen", "127.0.0.1:0"], {
      SALLYPORT_ADMIN_KEY: adminKey,
    }),
  );
  const netbackup = starting.use(
    await startServer(["primary", "--data", join(dir, "netbackup"), "--listen", "127.0.0.1:0"], {
      SALLYPORT_PRIMARY_USER: user,
      SALLYPORT_PRIMARY_PASSWORD: password,
    }),
  );
  const client = starting.use(new HubClient(hub.url, adminKey, hub.caPem));
  const created = await client.addPrimary({ name: "branch" });
  const detailsFile = join(dir, "endpoint.json");
  writeFileSync(detailsFile, JSON.stringify(created.endpoint));
  const passwordFile = join(dir, "password");
  writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
  const running = starting.move();
  const agentDir = join(dir, "agent");
  return {
    hub,
    netbackup,
    client,
    detailsFile,
    agentDir,
    created,
    startAgent: (...more: string[]) => {
      const upstream = ["--upstream", netbackup.url, "--upstream-ca", netbackup.caFile];
      const listen = ["--listen", "127.0.0.1:0", "--ca", hub.caFile];
      return startServer(["agent", "--data", agentDir, ...upstream, ...listen, ...more], {});
    },
    asAgent: ["--user", user, "--password-file", passwordFile, "--commands-as", "agent"],
    cli: (...args: string[]) => sallyport(args, { SALLYPORT_AGENT: agentDir }),
    connected: () =>
      until(async () => (await client.findPrimary(created.id)).connection.state === "connected"),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

test("agent - in front of a server that knows of no endpoint runs the commands of the cloud as itself", async () => {
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
});

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

const refusals: [title: string, args: string[], said: RegExp][] = [
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
