// The guard as administrators and cloud applications use it: processes, the CLI on premises, the hub's gateway.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import type { RequestListener } from "node:http";
import { join } from "node:path";
import { test } from "node:test";
import { ticketHeader } from "@sallyport/agent";
import { startCloud } from "./kit/cloud.ts";
import { temporaryFolder } from "./kit/folder.ts";
import { sallyport, startServer } from "./kit/sallyport.ts";
import { password, Site, until } from "./kit/site.ts";
import { startTlsServer } from "./kit/tls-server.ts";

const media = "application/vnd.netbackup+json;version=12.0";

/** Sends to the primary, logged in, through the hub. */
async function callerOf(site: Site) {
  const send = async (
    method: "GET" | "POST" | "DELETE",
    path: string,
    more: { body?: string; authorization?: string; headers?: Record<string, string> } = {},
  ) => {
    const { headers, ...rest } = more;
    const all = { accept: media, "content-type": media, ...headers };
    const answer = await site.client.gateway(site.primaryId, { method, path, headers: all, ...rest });
    return { ...answer, body: answer.text === "" ? {} : (JSON.parse(answer.text) as Record<string, never>) };
  };
  const login = await send("POST", "/netbackup/login", {
    body: JSON.stringify({ userName: "backupadmin", password }),
  });
  const authorization = String(login.body["token"]);
  return (method: "GET" | "POST" | "DELETE", path: string, headers: Record<string, string> = {}) =>
    send(method, path, { authorization, headers });
}

const ticketOf = (text: string) => (JSON.parse(text) as { data: { id: string } }).data.id;

test("guard - what needs approval waits for the administrator's CLI, is done once, and survives restarts", async () => {
  await using site = await Site.start();
  await site.application.createPolicy("gold", "branch", ["/etc/hostname"]);
  const call = await callerOf(site);
  const held = await call("DELETE", "/netbackup/config/policies/gold");
  assert.equal(held.status, 202, held.text);
  const ticket = ticketOf(held.text);

  const list = await site.cli(["guard", "list"]);
  assert.ok(
    list.stdout.includes(ticket) && /policies.*DELETE \/netbackup\/config\/policies\/gold/.test(list.stdout),
    list.stdout,
  );
  const unasked = await site.cli(["guard", "approve", ticket]);
  assert.deepEqual([unasked.code, /give --yes/.test(unasked.stderr)], [2, true], unasked.stderr);

  await site.primary.kill();
  await site.startPrimary();
  await site.connected();
  const approved = await site.cli(["guard", "approve", ticket, "--yes", "--comment", "agreed by phone"]);
  assert.match(approved.stdout, /DELETE \/netbackup\/config\/policies\/gold[^]*Approved/, approved.stderr);
  await site.primary.kill();
  await site.startPrimary();
  await site.connected();

  const state = async () => {
    const { body } = await call("GET", `/netbackup/sallyport/tickets/${ticket}`);
    return (body as unknown as { data: { attributes: { state: string } } }).data.attributes.state;
  };
  assert.equal(await state(), "APPROVED");
  assert.equal((await call("GET", "/netbackup/config/policies/gold")).status, 200);
  const done = await call("DELETE", "/netbackup/config/policies/gold", { [ticketHeader]: ticket });
  assert.equal(done.status, 204, done.text);
  assert.equal((await call("GET", "/netbackup/config/policies/gold")).status, 404);
  assert.equal(await state(), "DONE");
  assert.equal(
    (await call("DELETE", "/netbackup/config/policies/gold", { [ticketHeader]: ticket })).status,
    409,
  );
  const shown = await site.cli(["guard", "show", ticket]);
  assert.match(shown.stdout, /decided {3}by backupadmin: agreed by phone\n/);
});

test("guard - a rules file is taken up while the primary runs; a wrong one is not, and everybody who looks is told", async () => {
  using folder = temporaryFolder();
  const file = join(folder.path, "guard.yaml");
  const rule = (action: string) =>
    `version: 1\nrules:\n  - name: mine\n    action: ${action}\n    methods: [ POST ]\n    paths: [ /netbackup/admin/manual-backup ]\n`;
  writeFileSync(file, rule("deny"));
  await using site = await Site.start(undefined, ["--guard-rules", file]);
  const call = await callerOf(site);
  const status = async () => (await call("POST", "/netbackup/admin/manual-backup")).status;
  assert.equal(await status(), 403);
  writeFileSync(file, rule("hold"));
  await site.primary.logged("guard.rules_taken");
  assert.equal(await status(), 202);
  writeFileSync(file, rule("allow everything"));
  await site.primary.logged("guard.rules_refused", 2);
  assert.equal(await status(), 202);
  const told = await site.cli(["guard", "status"]);
  assert.match(told.stdout, /NOT IN FORCE[^]*guard\.yaml:4: rules\.0\.action/, told.stderr);
  const tested = await site.cli(["guard", "test", "POST /netbackup/admin/manual-backup"]);
  assert.match(tested.stdout, /^HOLD by rule mine, line 3 of the rules file/, tested.stderr);
  const refused = await site.cli(["guard", "test", "FROB /netbackup/ping"]);
  assert.match(refused.stderr, /^sallyport: .* answered 400/);
  const late = await site.cli(["guard", "test", "GET /netbackup/ping", "--at", "yesterday"]);
  assert.deepEqual([late.code, /It has to be a time/.test(late.stderr)], [2, true], late.stderr);
  assert.equal((await site.cli(["guard", "check", file])).code, 2);
});

test("guard - --read-only lets the cloud look, and nothing else", async () => {
  await using site = await Site.start(undefined, ["--read-only"]);
  const call = await callerOf(site);
  assert.equal((await call("GET", "/netbackup/admin/jobs")).status, 200);
  for (const [method, path] of [
    ["POST", "/netbackup/admin/manual-backup"],
    ["DELETE", "/netbackup/config/policies/x"],
  ] as const) {
    const { status, text } = await call(method, path);
    assert.equal(status, 403);
    assert.match(text, /"rule: read-only"/);
  }
});

/** A lone agent in front of a server of ours, and a cloud application of ours that it dials. */
async function startAgentSite(dir: string, listener: RequestListener) {
  await using starting = new AsyncDisposableStack();
  const upstream = starting.use(await startTlsServer(listener, { dir }));
  const cloud = starting.use(await startCloud({ dir }));
  const caFile = join(dir, "ca.pem");
  writeFileSync(caFile, upstream.caPem);
  const agentDir = join(dir, "agent");
  const start = () =>
    startServer(
      [
        "agent",
        "--data",
        agentDir,
        "--upstream",
        upstream.origin,
        "--upstream-ca",
        caFile,
        "--listen",
        "127.0.0.1:0",
        "--ca",
        caFile,
      ],
      {},
    );
  const cli = (...args: string[]) => sallyport(args, { SALLYPORT_AGENT: agentDir });
  const send = (method: "GET" | "DELETE", uri: string, headers: Record<string, string> = {}) => {
    const connection = cloud.connections.at(-1);
    if (connection === undefined) throw new Error("no connection");
    return connection.command({ method, uri, headers }, { timeoutMs: 30_000 });
  };
  const running = starting.move();
  return { agentDir, cloud, start, cli, send, [Symbol.asyncDispose]: () => running.disposeAsync() };
}

test("guard - an agent killed while an approved command runs never sends it again, and its audit goes on whole", async () => {
  using folder = temporaryFolder();
  const arrived = Promise.withResolvers<void>();
  let deletes = 0;
  await using site = await startAgentSite(folder.path, (request, response) => {
    if (request.method !== "DELETE") {
      response.end("{}");
      return;
    }
    // Never answered: the agent is killed meanwhile.
    deletes += 1;
    arrived.resolve();
  });
  const first = await site.start();
  const details = join(folder.path, "endpoint.json");
  writeFileSync(details, JSON.stringify(site.cloud.details));
  const added = await site.cli("endpoint", "add", "--file", details, "--yes");
  assert.equal(added.code, 0, added.stderr);
  await site.cloud.until(() => site.cloud.connections.length === 1);
  const path = "/netbackup/catalog/images/x";
  const held = await site.send("DELETE", path);
  const ticket = ticketOf(held.body);
  const approved = await site.cli("guard", "approve", ticket, "--yes");
  assert.equal(approved.code, 0, approved.stderr);
  const lost = assert.rejects(site.send("DELETE", path, { [ticketHeader]: ticket }), { code: "lost" });
  await arrived.promise;
  await first.kill();
  await lost;

  await using second = await site.start();
  await site.cloud.until(() => site.cloud.connections.length === 2);
  const polled = await site.send("GET", `/netbackup/sallyport/tickets/${ticket}`);
  assert.match(polled.body, /"state":"LOST"/);
  const again = await site.send("DELETE", path, { [ticketHeader]: ticket });
  assert.deepEqual([again.status, /answer is lost: look there/.test(again.body)], [409, true], again.body);
  assert.equal(deletes, 1);
  assert.equal(await second.stop(), 0);

  const verified = await sallyport(["audit", "verify", "--data", site.agentDir]);
  assert.match(verified.stdout, /Nothing was changed, removed or moved\./, verified.stderr);
  const exported = await sallyport([
    "audit",
    "export",
    "--data",
    site.agentDir,
    "--kind",
    "command.approved_sent",
  ]);
  assert.match(
    exported.stdout,
    new RegExp(`^\\{"n":\\d+,.*"ticket":"${ticket}".*"hash":"[0-9a-f]{64}"\\}\n$`),
  );
  const file = join(site.agentDir, "audit", "audit-000001.jsonl");
  writeFileSync(file, readFileSync(file, "utf8").replace("ticket.approved", "ticket.refused"));
  const tampered = await sallyport(["audit", "verify", "--data", site.agentDir]);
  assert.equal(tampered.code, 1);
  assert.match(tampered.stdout, /entry \d+ was changed: its hash is not the one that it states/);
});

/** The rules file that the administrator's guide shows. */
function exampleOfGuide(): string {
  const guide = readFileSync(join(import.meta.dirname, "..", "docs", "administrator.md"), "utf8");
  const [, example = ""] = /<!-- guard example -->\n```yaml\n([^]*?)```/.exec(guide) ?? [];
  return example;
}

const ofGuide: [question: string[], answer: RegExp][] = [
  [["DELETE /netbackup/catalog/images/gold-1"], /^DENY by rule gold-stays, line 4/],
  [
    [
      "POST /netbackup/catalog/images/update-expiration-date",
      "--at",
      "2026-11-24T23:00:00Z",
      "--body",
      '{"data":{"type":"byBackupId","attributes":{"backupId":"test-1"}}}',
    ],
    /^ALLOW by rule test-images, line 8/,
  ],
  [
    [
      "POST /netbackup/catalog/images/update-expiration-date",
      "--at",
      "2026-11-24T12:00:00Z",
      "--body",
      '{"data":{"type":"byBackupId","attributes":{"backupId":"test-1"}}}',
    ],
    /^HOLD by rule images/,
  ],
  [
    [
      "POST /netbackup/catalog/images/update-expiration-date",
      "--at",
      "2026-11-24T23:00:00Z",
      "--body",
      '{"data":{"type":"byBackupId","attributes":{"backupId":"gold-1"}}}',
    ],
    /^HOLD by rule images/,
  ],
  [
    ["POST /netbackup/recovery/x", "--group", "partner"],
    /^DENY by rule no-partner-restores, line 16 of the rules file: restores are ordered by the headquarters/,
  ],
  [["POST /netbackup/recovery/x", "--group", "own"], /^HOLD by rule restores/],
  [["GET /netbackup/catalog/images/gold-1"], /^ALLOW by rule reading/],
];
test("guard - the rules that the guide shows do what it says", async () => {
  using folder = temporaryFolder();
  const file = join(folder.path, "guard.yaml");
  writeFileSync(file, exampleOfGuide());
  const check = await sallyport(["guard", "check", file]);
  assert.match(check.stdout, /can be used: 3 rules of its own/, check.stderr);
  await Promise.all(
    ofGuide.map(async ([question, answer]) => {
      const { stdout, stderr } = await sallyport(["guard", "test", ...question, "--rules", file]);
      assert.match(stdout, answer, `${question.join(" ")}\n${stderr}`);
    }),
  );
});

test("guard - a budget of restored bytes asks the server what a restore would bring back, and holds what is beyond", async () => {
  using folder = temporaryFolder();
  const file = join(folder.path, "guard.yaml");
  writeFileSync(
    file,
    `version: 1
rules: [ { name: restores-go, action: allow, methods: [ POST ], paths: [ "/netbackup/recovery/**" ] } ]
budgets: [ { name: little, kind: bytesRestored, most: 300000 } ]
`,
  );
  const source = join(folder.path, "source");
  writeFileSync(source, "x".repeat(200_000));
  await using site = await Site.start(undefined, ["--guard-rules", file]);
  await site.application.createPolicy("p", "branch", [source]);
  const jobId = await site.application.backUp("p");
  await site.notified("netbackup.job.done", `job/${jobId}`);
  const created = (await site.notifications()).find(({ type }) => type === "netbackup.image.create");
  const image = await site.application.image(String(created?.data["backupId"]));
  const restore = (name: string) =>
    site.application.restore(image, [{ from: source, to: join(folder.path, name) }], { server: "branch" });
  const first = await restore("one");
  await site.notified("netbackup.job.done", `job/${first}`);
  await assert.rejects(restore("two"), /waits for approval on premises/);
  const shown = await site.cli(["guard", "list", "--json"]);
  const [ticket] = JSON.parse(shown.stdout) as { rule: string; reason: string }[];
  assert.equal(ticket?.rule, "little");
  assert.match(
    ticket?.reason ?? "",
    /^2\d{5} of 300000 bytesRestored in the last hour are spent, and it needs 2\d{5}$/,
  );
  await until(async () => (await site.application.job(first)).attributes.status === 0);
});
