// The guard of a whole NBWSS service against a hub that means harm, over real TLS and WebSockets, in front of a real HTTPS server.
import assert from "node:assert/strict";
import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { Command } from "@sallyport/nbwss";
import { exportAudit, verifyAudit } from "../index.ts";
import { startGuarded } from "../testing/guarded-service.ts";

const expire = "DELETE /netbackup/catalog/images/x";
const withTicket = (ticket: string, headers: Command["headers"] = {}) => ({
  headers: { ...headers, "Sallyport-Ticket": ticket },
});

test("guard - a held command is carried out once, after its approval, when it is sent again with its ticket", async () => {
  await using site = await startGuarded();
  const body = {
    parameters: '{"a":1}',
    headers: { "Content-Type": "application/json", Authorization: "one" },
  };
  const held = await site.send(expire, body);
  assert.equal(held.status, 202);
  assert.equal(held.headers["location"], `/netbackup/sallyport/tickets/${held.ticket}`);
  assert.equal((await site.send(expire, body)).ticket, held.ticket);
  const poll = async () =>
    (await site.send(`GET /netbackup/sallyport/tickets/${held.ticket}`)).body.data?.attributes;
  assert.equal((await poll())?.state, "HELD");
  const again = {
    ...body,
    headers: { ...body.headers, Authorization: "two", "Sallyport-Ticket": held.ticket },
  };
  assert.equal((await site.send(expire, again)).status, 202);
  assert.equal(site.arrived.length, 0);

  const approved = await site.guard.approve(held.ticket, { by: "somebody", comment: "fine" }, undefined);
  assert.deepEqual([approved.state, approved.decidedBy], ["APPROVED", "somebody"]);
  assert.equal((await poll())?.state, "APPROVED");
  assert.equal((await site.send(expire, again)).status, 200);
  const [one] = site.arrived;
  assert.deepEqual([one?.method, one?.url, one?.body], ["DELETE", "/netbackup/catalog/images/x", '{"a":1}']);
  assert.deepEqual([one?.headers["authorization"], one?.headers["sallyport-ticket"]], ["two", undefined]);
  const polled = await poll();
  assert.deepEqual([polled?.state, polled?.status, polled?.comment], ["DONE", 200, "fine"]);

  const replayed = await site.send(expire, again);
  assert.deepEqual([replayed.status, replayed.body.errorDetails], [409, ["code: ticket_not_held"]]);
  assert.equal(site.arrived.length, 1);
  await assert.rejects(site.guard.approve(held.ticket, {}, undefined), { code: "ticket_not_held" });
});

test("guard - a body that nobody can review is not held, redeems no ticket, and passes only where the body does not matter", async () => {
  await using site = await startGuarded({
    rules: {
      rules: [
        { name: "copies", action: "allow", paths: ["/netbackup/copy"] },
        { name: "by-body", action: "allow", paths: ["/netbackup/picky"], body: [{ at: "/a", exists: true }] },
      ],
      otherwise: "hold",
    },
  });
  // Longer than what is handed over whole, so that it streams by.
  const parameters = JSON.stringify({ a: "x".repeat(2 * 1024 * 1024) });
  const { ticket } = await site.send(expire);
  await site.guard.approve(ticket, {}, undefined);
  for (const [what, more] of [
    [expire, {}],
    ["PUT /netbackup/picky", {}],
    [expire, withTicket(ticket)],
  ] as const) {
    const refused = await site.send(what, { ...more, parameters });
    assert.equal(refused.status, 403, what);
    assert.match(refused.body.errorMessage ?? "", /nobody can review/);
  }
  assert.equal(site.arrived.length, 0);
  assert.equal((await site.send("PUT /netbackup/copy", { parameters })).status, 200);
  assert.equal(site.arrived[0]?.body, parameters);
});

test("guard - a ticket is for one command of one group, and for no other", async () => {
  await using site = await startGuarded();
  const body = { parameters: '{"data":1}', headers: { "Content-Type": "application/json" } };
  const { ticket } = await site.send(expire, body);
  await site.guard.approve(ticket, {}, undefined);
  const forged: [what: string, more: Parameters<typeof site.send>[1], status: number][] = [
    [expire, withTicket("a".repeat(32)), 404],
    [expire, withTicket("' OR 1=1 --"), 404],
    ["DELETE /netbackup/catalog/images/y", { ...body, ...withTicket(ticket, body.headers) }, 409],
    ["DELETE /netbackup/catalog/images/x?force=true", { ...body, ...withTicket(ticket, body.headers) }, 409],
    ["DELETE /netbackup/catalog/images/%78", { ...body, ...withTicket(ticket, body.headers) }, 409],
    ["PATCH /netbackup/catalog/images/x", { ...body, ...withTicket(ticket, body.headers) }, 409],
    [expire, { parameters: '{"data":2}', ...withTicket(ticket, body.headers) }, 409],
    [expire, withTicket(ticket, body.headers), 409],
    [expire, { ...body, ...withTicket(ticket, { "Content-Type": "text/plain" }) }, 409],
    [expire, { ...body, ...withTicket(ticket, { ...body.headers, "If-Match": "1" }) }, 409],
    [expire, { ...body, group: 1, ...withTicket(ticket, body.headers) }, 404],
    [`GET /netbackup/sallyport/tickets/${ticket}`, { group: 1 }, 404],
    ["DELETE /netbackup/config/servers/wssendpoints/x", withTicket(ticket), 403],
    [
      expire,
      { ...body, headers: { ...body.headers, "Sallyport-Ticket": ticket, "sallyport-ticket": ticket } },
      403,
    ],
  ];
  for (const [what, more, status] of forged) {
    assert.equal((await site.send(what, more)).status, status, `${what} ${JSON.stringify(more)}`);
  }
  assert.equal(site.arrived.length, 0);
  assert.equal((await site.send(expire, { ...body, ...withTicket(ticket, body.headers) })).status, 200);
});

test("guard - of many who send an approved command at the same time one has it done", async () => {
  await using site = await startGuarded();
  const { ticket } = await site.send(expire);
  await site.guard.approve(ticket, {}, undefined);
  const answers = await Promise.all(Array.from({ length: 20 }, () => site.send(expire, withTicket(ticket))));
  assert.equal(answers.filter(({ status }) => status === 200).length, 1);
  assert.equal(site.arrived.length, 1);
});

test("guard - a refused ticket says why, an expired one is worth nothing, approved or not", async () => {
  await using site = await startGuarded({ rules: { tickets: { expireAfterMinutes: 10 } } });
  const refused = await site.send(expire);
  await site.guard.refuse(refused.ticket, { comment: "not this one" }, "ann");
  const answer = await site.send(expire, withTicket(refused.ticket));
  assert.equal(answer.status, 403);
  assert.match(answer.body.errorMessage ?? "", /refused on premises: not this one/);

  const other = "DELETE /netbackup/catalog/images/y";
  const late = await site.send(other);
  site.advance(9 * 60_000);
  await site.guard.approve(late.ticket, {}, undefined);
  site.advance(9 * 60_000);
  assert.equal(site.guard.get(late.ticket).state, "APPROVED");
  site.advance(60_000);
  assert.equal((await site.send(other, withTicket(late.ticket))).status, 409);
  assert.equal(site.guard.get(late.ticket).state, "EXPIRED");
  assert.equal(site.arrived.length, 0);
});

const attacks: [what: string, headers?: Command["headers"]][] = [
  ["GET https://evil.example/netbackup/ping"],
  ["GET //evil.example/netbackup/ping"],
  ["GET /netbackup/../secret"],
  ["GET /netbackup/%2e%2e/secret"],
  ["GET /netbackup/..%2fsecret"],
  ["POST /netbackup/login/..;/catalog/expire-images"],
  ["POST /netbackup/login%2f..%2fcatalog/expire-images"],
  ["POST /netbackup/admin/manual-backup", { "X-HTTP-Method-Override": "DELETE" }],
  ["POST /netbackup/admin/manual-backup", { "X-Original-URL": "/netbackup/catalog/expire-images" }],
  ["POST /netbackup/admin/manual-backup?_method=DELETE"],
  ["GET /netbackup/config/servers/wssendpoints"],
  ["POST /netbackup/config/servers/wssendpoints/save"],
  ["DELETE /netbackup/config/servers/%57SSendpoints/x"],
  ["POST /netbackup/sallyport/guard/tickets/x/approve"],
  ["GET /netbackup/sallyport/guard"],
  ["GET /netbackup/%73allyport/guard/tickets"],
  ["POST /netbackup/Sallyport/tickets/x"],
];
test("guard - nothing of what a hostile hub tries reaches the upstream, and all of it is answered", async () => {
  await using site = await startGuarded();
  for (const [what, headers = {}] of attacks) {
    const answer = await site.send(what, { headers });
    assert.equal(answer.status, 403, what);
    assert.ok((answer.body.errorMessage ?? "").length > 10, what);
  }
  assert.equal(site.arrived.length, 0);
  assert.equal((await site.send("GET /netbackup/ping")).status, 200);
});

test("guard - who approves sees a body as the server will, also one that two readers read differently", async () => {
  await using site = await startGuarded();
  const body = '{"data":{"attributes":{"backupId":"gold","backupId":"test"}}}';
  const { ticket } = await site.send("POST /netbackup/catalog/images/update-expiration-date", {
    parameters: body,
  });
  assert.equal(site.guard.get(ticket).body, body);
});

test("guard - a denial is 403 in NetBackup's shape and names the rule", async () => {
  await using site = await startGuarded({ readOnly: true });
  const answer = await site.send("POST /netbackup/admin/manual-backup");
  assert.deepEqual(answer.body, {
    errorCode: 403,
    errorMessage: 'The request was refused by the rule "read-only": the agent was started with --read-only.',
    errorDetails: ["code: forbidden", "rule: read-only"],
  });
  assert.equal((await site.send("GET /netbackup/admin/jobs")).status, 200);
});

test("guard - a flood of commands that need approval is bounded for its group, and leaves room for another", async () => {
  await using site = await startGuarded({
    limits: { maxOpenTickets: 12, maxOpenTicketsPerGroup: 8, maxEndedTickets: 3, maxTicketBodyBytes: 100 },
  });
  const answers = await Promise.all(
    Array.from({ length: 60 }, (_, n) => site.send(`DELETE /netbackup/catalog/images/${n}`)),
  );
  assert.equal(answers.filter(({ status }) => status === 202).length, 8);
  const rest = answers.filter(({ status }) => status !== 202);
  assert.ok(
    rest.every(({ status, body }) => status === 429 && body.errorDetails?.[0] === "code: held_too_many"),
  );
  assert.equal((await site.send(expire, { group: 1 })).status, 202);
  const large = await site.send("PATCH /netbackup/catalog/images/x", {
    group: 1,
    parameters: `"${"x".repeat(100)}"`,
  });
  assert.equal(large.status, 403);
  assert.match(large.body.errorMessage ?? "", /nobody can review/);
  for (const { id } of site.guard.list("held")) await site.guard.refuse(id, {}, undefined);
  assert.equal(site.guard.list(undefined).length, 3);
  assert.equal((await site.send(expire)).status, 202);
  assert.equal(site.arrived.length, 0);
});

test("guard - a budget lets so much through in an hour; what is beyond is held, and what the server refused is given back", async () => {
  const rules = {
    rules: [{ name: "expiry", action: "allow", methods: ["DELETE"], paths: ["/netbackup/catalog/images/*"] }],
    budgets: [{ name: "few", kind: "imagesExpired", most: 3 }],
  };
  await using site = await startGuarded({ rules });
  const statuses = async (count: number) => {
    const answers = await Promise.all(
      Array.from({ length: count }, (_, n) => site.send(`DELETE /netbackup/catalog/images/${n}`)),
    );
    return answers.map(({ status }) => status).sort((a, b) => a - b);
  };
  assert.deepEqual(await statuses(5), [200, 200, 200, 202, 202]);
  assert.deepEqual(
    site.guard
      .rules()
      .budgets.filter(({ name }) => name === "few")
      .map(({ spent }) => spent),
    [3],
  );
  site.advance(61 * 60_000);
  assert.deepEqual(await statuses(3), [200, 200, 200]);
  const [held] = site.guard.list("held");
  assert.equal(held?.rule, "few");

  await using failing = await startGuarded({ rules, status: 404 });
  for (let n = 0; n < 5; n += 1)
    assert.equal((await failing.send(`DELETE /netbackup/catalog/images/${n}`)).status, 404);
});

test("guard - of a hundred at the same time a budget of one lets one through, whichever group they come from", async () => {
  const rules = {
    rules: [{ name: "expiry", action: "allow", methods: ["DELETE"], paths: ["/netbackup/catalog/images/*"] }],
    budgets: [{ name: "one", kind: "imagesExpired", most: 1, beyond: "deny" }],
  };
  await using site = await startGuarded({ rules });
  const answers = await Promise.all(
    Array.from({ length: 100 }, (_, n) =>
      site.send(`DELETE /netbackup/catalog/images/${n}`, { group: n % 2 === 0 ? 0 : 1 }),
    ),
  );
  const counts = [200, 403].map((wanted) => answers.filter(({ status }) => status === wanted).length);
  assert.deepEqual(counts, [1, 99]);
  assert.equal(site.arrived.length, 1);
});

test("guard - secrets of a held command are starred where somebody looks at it", async () => {
  await using site = await startGuarded();
  const { ticket } = await site.send("POST /netbackup/security/users?token=SECRET1&a=b", {
    parameters: JSON.stringify({ user: "x", password: "SECRET2", nested: [{ apiKey: "SECRET3" }] }),
  });
  const shown = site.guard.get(ticket);
  assert.doesNotMatch(JSON.stringify(shown), /SECRET/);
  assert.equal(shown.uri, "/netbackup/security/users?token=********&a=b");
  assert.deepEqual(JSON.parse(shown.body ?? ""), {
    user: "x",
    password: "********",
    nested: [{ apiKey: "********" }],
  });
});

test("guard - while the audit can't be written nothing is done but reading, and nothing is approved", async () => {
  await using site = await startGuarded({
    prepareAudit: (dir) => symlinkSync("/dev/full", join(dir, "audit-000001.jsonl")),
    rules: { budgets: [{ name: "few", kind: "policiesChanged", most: 1 }] },
  });
  for (const what of ["POST /netbackup/admin/manual-backup", "POST /netbackup/config/policies", expire]) {
    const answer = await site.send(what);
    assert.deepEqual([answer.status, answer.body.errorDetails], [503, ["code: audit_failed"]], what);
  }
  assert.equal(site.arrived.length, 0);
  assert.equal((await site.send("GET /netbackup/admin/jobs")).status, 200);
  assert.deepEqual(site.guard.list(undefined), []);
  assert.match(site.guard.status().auditProblem ?? "", /./);
  assert.equal(site.guard.rules().budgets.find(({ name }) => name === "few")?.spent, 0);
});

test("guard - the audit tells what was decided, by whom, and how it ended, and verifies", async () => {
  await using site = await startGuarded();
  await site.send("GET /netbackup/admin/jobs?token=SECRET");
  await site.send("GET /netbackup/a/../b");
  await site.send("POST /netbackup/login", { parameters: '{"password":"SECRET"}' });
  const { ticket } = await site.send(expire);
  await site.guard.approve(ticket, { comment: "fine" }, "ann");
  await site.send(expire, withTicket(ticket));
  await site.service.close();
  const report = await verifyAudit(site.auditDir);
  assert.deepEqual(report.findings, []);
  const lines = await Array.fromAsync(exportAudit(site.auditDir));
  const entries = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  const told = entries.map(({ kind, rule, by, status }) =>
    [kind, rule ?? by ?? "", status ?? ""].join(" ").trim(),
  );
  const expected = [
    "command.read reading 200",
    "command.denied unclear-request",
    "command.allowed sessions",
    "command.answered  200",
    "command.held images",
    "ticket.approved images",
    "command.approved_sent images",
    "command.answered  200",
  ];
  // What is only noted may come a little later than what was waited for.
  const kept = told.filter((line) => !/^(audit\.opened|checkpoint)/.test(line));
  assert.deepEqual(kept.toSorted(), expected.toSorted());
  assert.ok(
    entries.some(({ kind, by, ticket: id }) => kind === "ticket.approved" && by === "ann" && id === ticket),
  );
  assert.doesNotMatch(lines.join(""), /SECRET/);
});
