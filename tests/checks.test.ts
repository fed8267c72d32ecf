// `sallyport hub check` and `sallyport doctor` against a real hub, and against what is wrong with one.
import assert from "node:assert/strict";
import { once } from "node:events";
import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:https";
import { join } from "node:path";
import { test } from "node:test";
import { ensureServerCertificate } from "@sallyport/certificates";
import { HubClient } from "@sallyport/cli";
import { temporaryFolder } from "./kit/folder.ts";
import { freePort, sallyport, startServer } from "./kit/sallyport.ts";
import { adminKey } from "./kit/site.ts";
import { startTlsServer } from "./kit/tls-server.ts";

interface Report {
  ok: boolean;
  fail: number;
  checks: { name: string; subject?: string; state: string; found: string; todo?: string }[];
}

/** Runs a command with `--json`: its exit code, and each check by its name. */
async function checked(args: string[], env: Record<string, string> = {}) {
  const { code, stdout, stderr } = await sallyport([...args, "--json"], env);
  assert.equal(stderr, "");
  const report = JSON.parse(stdout) as Report;
  assert.equal(code, report.ok ? 0 : 1);
  const byName = new Map(report.checks.map((check) => [check.name, check]));
  const failed = report.checks.filter(({ state }) => state === "fail").map(({ name }) => name);
  return { code, failed, of: (name: string) => byName.get(name), checks: report.checks };
}

test("checks - a hub that is well passes on its own machine and from a client; the check leaves nothing behind", async () => {
  using folder = temporaryFolder();
  const port = await freePort();
  const data = join(folder.path, "hub");
  const args = ["--data", data, "--listen", `127.0.0.1:${port}`, "--public-url", `https://localhost:${port}`];
  await using hub = await startServer(["hub", ...args], { SALLYPORT_ADMIN_KEY: adminKey });
  const before = readdirSync(data);
  const here = await checked(["hub", "check", ...args]);
  assert.deepEqual(
    here.checks.filter(({ state }) => state !== "pass"),
    [],
  );
  assert.match(here.of("data-folder-use")?.found ?? "", /a hub runs on it/);
  assert.match(here.of("url-websocket")?.found ?? "", /101, closed by both sides$/);
  assert.match(here.of("log")?.found ?? "", /looked through/);
  assert.deepEqual(readdirSync(data), before);
  // The folder alone is enough: the hub has left its settings there.
  const alone = await checked(["hub", "check", "--data", data]);
  assert.match(alone.of("configuration")?.found ?? "", new RegExp(`last started .*127\\.0\\.0\\.1:${port}$`));
  assert.equal(alone.of("url-websocket")?.subject, `https://localhost:${port}`);
  assert.deepEqual(alone.failed, []);
  const kept = join(data, "started-with.json");
  assert.equal(statSync(kept).mode & 0o777, 0o600);
  assert.ok(!readFileSync(kept, "utf8").includes(adminKey));

  const client = ["doctor", "--hub", `https://localhost:${port}`];
  const env = {
    SALLYPORT_API_KEY: adminKey,
    SALLYPORT_CA: hub.caFile,
    SALLYPORT_PROFILE: join(folder.path, "none"),
  };
  const there = await checked(client, env);
  assert.deepEqual(there.failed, []);
  assert.match(there.of("api-key")?.found ?? "", /role administrator/);
  await using api = new HubClient(hub.url, adminKey, hub.caPem);
  await api.addPrimary({ name: "branch" });
  const lonely = await checked(client, env);
  assert.deepEqual(lonely.failed, ["primaries"]);
  assert.match(lonely.of("primaries")?.found ?? "", /^0 of 1 connected, .*1 never connected/);

  assert.deepEqual((await checked(client, { ...env, SALLYPORT_API_KEY: "another-key" })).failed, ["api-key"]);
  const unknown = await checked(client, { ...env, SALLYPORT_CA: "" });
  assert.deepEqual(unknown.failed, ["url-tls"]);
  assert.match(unknown.of("url-tls")?.todo ?? "", /--ca .*CN=Sallyport hub authority.*tls\/ca\.pem/);
});

test("checks - a stopped hub on a damaged log is told apart from one that nobody reaches", async () => {
  using folder = temporaryFolder();
  const port = await freePort();
  const data = join(folder.path, "hub");
  const args = ["--data", data, "--listen", `127.0.0.1:${port}`, "--public-url", `https://localhost:${port}`];
  await using hub = await startServer(["hub", ...args], { SALLYPORT_ADMIN_KEY: adminKey });
  // Once it has answered it also listens to signals.
  await using api = new HubClient(hub.url, adminKey, hub.caPem);
  await api.notifications(0);
  assert.equal(await hub.stop(), 0);
  const stopped = await checked(["hub", "check", ...args]);
  assert.deepEqual(stopped.failed, []);
  assert.equal(stopped.of("url-connects")?.state, "warn");
  const log = join(data, "log.sqlite");
  const bytes = readFileSync(log);
  // The pages behind the first, which has the schema.
  writeFileSync(log, bytes.fill(0x5a, 4096));
  const damaged = await checked(["hub", "check", ...args]);
  assert.deepEqual(damaged.failed, ["log"]);
  assert.match(damaged.of("log")?.todo ?? "", /hub restore/);
});

test("checks - a certificate that is served by somebody else, or is not for the public URL, fails", async () => {
  using folder = temporaryFolder();
  const data = join(folder.path, "hub");
  const port = await freePort();
  const args = ["--data", data, "--listen", `127.0.0.1:${port}`];
  await using _hub = await startServer(["hub", ...args], { SALLYPORT_ADMIN_KEY: adminKey });
  await using stranger = await startTlsServer((_request, response) => response.end('{"status":"ok"}'));
  const intercepted = await checked(["hub", "check", ...args, "--public-url", stranger.origin]);
  assert.deepEqual(intercepted.failed, ["url-tls"]);
  assert.match(intercepted.of("url-tls")?.found ?? "", /another certificate than the hub's/);
  assert.equal(intercepted.of("url-readyz"), undefined, "nothing is asked of it");

  const named = await checked(["hub", "check", ...args, "--public-url", "https://hub.invalid:8443"]);
  assert.deepEqual(named.failed, ["certificate-names", "url-resolves"]);

  const made = {
    dir: join(folder.path, "other"),
    owner: "test",
    hostNames: ["localhost"],
    nowMs: Date.now(),
  };
  await ensureServerCertificate(made);
  const pair = ["--tls-cert", join(made.dir, "server.pem"), "--tls-key", join(data, "tls", "server.key")];
  const mismatched = await checked(["hub", "check", ...args, ...pair]);
  assert.deepEqual(mismatched.failed, ["certificate"]);
  assert.match(mismatched.of("certificate")?.found ?? "", /does not belong to the certificate/);
});

test("checks - what is no hub at the URL fails, also with the hub's own certificate", async () => {
  using folder = temporaryFolder();
  const dir = join(folder.path, "tls");
  const made = { dir, owner: "test", hostNames: ["localhost"], nowMs: Date.now() };
  const { certPem, keyPem, caFile } = await ensureServerCertificate(made);
  let isHub = false;
  const server = createServer({ cert: certPem, key: keyPem }, (request, response) => {
    const isReady = isHub && request.url === "/readyz";
    response.writeHead(isReady ? 200 : 404).end(isReady ? '{"status":"ok"}' : "no such page");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    const url = `https://localhost:${(server.address() as { port: number }).port}`;
    const pair = ["--tls-cert", join(dir, "server.pem"), "--tls-key", join(dir, "server.key")];
    const args = ["hub", "check", "--data", join(folder.path, "hub"), ...pair, "--public-url", url];
    const other = await checked(args);
    assert.deepEqual(other.failed, ["url-readyz"]);
    assert.match(other.of("url-readyz")?.todo ?? "", /something else answers/);
    // A proxy in front that passes requests on, and upgrades not.
    isHub = true;
    const proxied = await checked(args);
    assert.deepEqual(proxied.failed, ["url-websocket"]);
    assert.match(proxied.of("url-websocket")?.todo ?? "", /proxy_set_header Upgrade/);
    const client = await checked(["doctor", "--hub", url, "--ca", caFile]);
    assert.deepEqual(client.failed, ["url-websocket", "hub-version", "api-key"]);
  } finally {
    server.close();
    server.closeAllConnections();
    await once(server, "close");
  }
});

test("checks - a folder that can't be written, an open key and a wrong setting fail with what to do", async () => {
  using folder = temporaryFolder();
  const shut = join(folder.path, "shut");
  // Root writes where others may not, but not there.
  const readOnly = process.geteuid?.() === 0 ? "/proc" : folder.path;
  if (readOnly === folder.path) chmodSync(readOnly, 0o500);
  try {
    const refused = await checked(["hub", "check", "--data", readOnly === "/proc" ? readOnly : shut]);
    assert.deepEqual(refused.failed, ["data-folder"]);
    assert.match(refused.of("data-folder")?.todo ?? "", /as the hub's user/);
  } finally {
    if (readOnly === folder.path) chmodSync(readOnly, 0o700);
  }
  const config = join(folder.path, "hub.yaml");
  appendFileSync(config, "lisen: 127.0.0.1:1\n");
  const wrong = await checked(["hub", "check", "--data", shut, "--config", config]);
  assert.deepEqual(wrong.failed, ["configuration"]);
  assert.match(wrong.of("configuration")?.found ?? "", /hub\.yaml:1 .*did you mean "listen"/);
  assert.equal(existsSync(shut), false);

  const dir = join(folder.path, "tls");
  await ensureServerCertificate({ dir, owner: "test", hostNames: ["localhost"], nowMs: Date.now() });
  const key = join(folder.path, "open.key");
  copyFileSync(join(dir, "server.key"), key);
  chmodSync(key, 0o644);
  const pair = ["--tls-cert", join(dir, "server.pem"), "--tls-key", key];
  const open = await checked(["hub", "check", "--data", shut, "--listen", "127.0.0.1:0", ...pair]);
  assert.deepEqual(open.failed, ["key-files"]);
});
