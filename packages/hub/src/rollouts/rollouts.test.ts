// Rollouts through the hub's API, with primaries that are connected.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import type { Command } from "@sallyport/nbwss";
import { backUp } from "../backup/backup.ts";
import { restore } from "../backup/restore.ts";
import type {
  CloudEvent,
  EnrolledPrimary,
  Rollout,
  RolloutPreview,
  RolloutTarget,
  StoredCommand,
} from "../index.ts";
import { adminKey, HubFixture, temporaryFolder, type Reply } from "../testing/hub-fixture.ts";

const command = { method: "POST", path: "/netbackup/config/x?dry=1", body: '{"password":"s3cret"}' };
const path = "/api/v1/rollouts";

async function enrolAt(fixture: HubFixture, name: string, site: string): Promise<EnrolledPrimary> {
  const reply = await fixture.post("/api/v1/primaries", { name, labels: { site } });
  assert.equal(reply.status, 201, reply.text);
  return reply.json() as EnrolledPrimary;
}

// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- a cast, once the status is as it should be
function as<T>(reply: Reply, status = 200): T {
  assert.equal(reply.status, status, reply.text);
  return reply.json() as T;
}

/** Resolves with a rollout when it is as wished; looks again at each sign that something was done. */
async function until(
  fixture: HubFixture,
  id: string,
  isEnough: (rollout: Rollout) => boolean,
): Promise<Rollout> {
  for (;;) {
    const signs = ["rollout.finished", "rollout.started", "rollout.targets_ended"];
    const sign = Promise.race(signs.map((event) => fixture.log.next(event)));
    const rollout = as<Rollout>(await fixture.call({ path: `${path}/${id}` }));
    if (isEnough(rollout)) return rollout;
    await sign;
  }
}

test("rollouts - reach the primaries of a label, at their rate, and are told in the feed", async () => {
  await using fixture = await HubFixture.start();
  const seen: Command[] = [];
  const dialled: EnrolledPrimary[] = [];
  for (const [name, site] of [
    ["a1", "a"],
    ["a2", "a"],
    ["b1", "b"],
  ] as const) {
    const primary = await enrolAt(fixture, name, site);
    dialled.push(primary);
    await fixture.dial(primary, (received) => {
      seen.push(received);
      return Promise.resolve({ status: name === "a2" ? 409 : 200, headers: {}, body: "{}" });
    });
  }
  const primaries = { kind: "labels", labels: { site: "a" } };
  const wanted = { name: "fix", command, primaries, ratePerMinute: 1_000 };
  const preview = as<RolloutPreview>(await fixture.post(path, { ...wanted, dryRun: true }));
  assert.deepEqual(
    preview.primaries.map(({ name, connected }) => [name, connected]),
    [
      ["a1", true],
      ["a2", true],
    ],
  );
  const created = as<Rollout>(
    await fixture.post(path, wanted, { headers: { "Idempotency-Key": "k1" } }),
    201,
  );
  const again = await fixture.post(path, wanted, { headers: { "Idempotency-Key": "k1" } });
  assert.deepEqual([as<Rollout>(again, 201).id, again.headers["idempotency-replayed"]], [created.id, "true"]);
  const ended = await until(fixture, created.id, ({ state }) => state === "finished");
  assert.deepEqual([ended.counts?.done, ended.counts?.refused, ended.counts?.waiting], [1, 1, 0]);
  assert.deepEqual(
    seen.map(({ uri, parameters }) => [uri, parameters]),
    [1, 2].map(() => ["/netbackup/config/x?dry=1", '{"password":"s3cret"}']),
  );
  const first = as<{ data: RolloutTarget[]; next: string }>(
    await fixture.call({ path: `${path}/${created.id}/targets?limit=1` }),
  );
  const rest = as<{ data: RolloutTarget[]; next: string | null }>(
    await fixture.call({ path: `${path}/${created.id}/targets?limit=1&cursor=${first.next}` }),
  );
  assert.deepEqual(
    [...first.data, ...rest.data].map(({ primaryName, state, status }) => [primaryName, state, status]),
    [
      ["a1", "done", 200],
      ["a2", "refused", 409],
    ],
  );
  assert.equal(rest.next, null);
  const refused = as<{ data: RolloutTarget[] }>(
    await fixture.call({ path: `${path}/${created.id}/targets?state=refused` }),
  );
  assert.deepEqual(
    refused.data.map(({ primaryName }) => primaryName),
    ["a2"],
  );
  const stored = as<StoredCommand>(
    await fixture.call({ path: `/api/v1/commands/${refused.data[0]?.commandId}` }),
  );
  assert.deepEqual([stored.state, stored.answer?.status], ["done", 409]);
  const feed = as<{ data: CloudEvent[] }>(
    await fixture.call({ path: "/api/v1/notifications?type=sallyport.rollout." }),
  );
  assert.deepEqual(
    feed.data.map(({ type, subject }) => [type, subject]),
    ["created", "finished"].map((what) => [`sallyport.rollout.${what}`, `/rollouts/${created.id}`]),
  );
  const audit = (await fixture.call({ path: `/api/v1/audit?limit=100` })).text;
  assert.ok(
    audit.includes(`"/rollouts/${created.id}"`) && audit.includes("command POST /netbackup/config/x"),
  );
  assert.doesNotMatch(audit + fixture.log.text + JSON.stringify(feed), /s3cret/);
});

test("rollouts - pause, go on and abort; one that has ended takes nothing more", async () => {
  await using fixture = await HubFixture.start();
  const primary = await fixture.enrol();
  await enrolAt(fixture, "other", "a");
  const wanted = { name: "slow", command, primaries: { kind: "all" }, maxRunning: 1 };
  const { id } = as<Rollout>(await fixture.post(path, wanted, {}), 201);
  // The first of the two is away, so that its command waits for it.
  await until(fixture, id, ({ counts }) => counts?.started === 1);
  const change = (verb: string) => fixture.post(`${path}/${id}/${verb}`, {});
  const paused = as<Rollout>(await change("pause"));
  assert.deepEqual([paused.state, paused.reason?.startsWith("paused by ")], ["paused", true]);
  assert.equal(as<Rollout>(await change("pause")).state, "paused");
  assert.equal(as<Rollout>(await change("resume")).state, "running");
  assert.equal(as<Rollout>(await change("abort")).state, "aborted");
  const ended = await until(fixture, id, ({ counts }) => counts?.started === 0);
  assert.deepEqual([ended.counts?.cancelled, ended.counts?.skipped], [1, 1]);
  assert.equal(as<Rollout>(await change("abort")).state, "aborted");
  const refused = await change("resume");
  assert.deepEqual([refused.status, (refused.json() as { code: string }).code], [409, "rollout_ended"]);
  const seen: Command[] = [];
  await fixture.dial(primary, (received) => {
    seen.push(received);
    return Promise.resolve({ status: 200, headers: {}, body: "" });
  });
  const list = as<{ data: Rollout[] }>(await fixture.call({ path: `${path}?state=aborted` }));
  assert.deepEqual([list.data.map((one) => one.id), seen], [[id], []]);
});

test("rollouts - what can't be sent, or reaches nobody or too many, is refused with the reason", async () => {
  await using fixture = await HubFixture.start({ limits: { maxRolloutTargets: 1, maxRollouts: 1 } });
  const { id } = await fixture.enrol();
  const primaries = { kind: "primaries", ids: [id] };
  const good = { name: "x", command, primaries };
  for (const [wrong, code, text] of [
    [{ command: { ...command, path: "/netbackup/../etc" } }, "bad_request", /dot segments/],
    [{ command: { ...command, path: "/api/v1/users" } }, "bad_request", /path/],
    [
      { command: { ...command, headers: { Authorization: "x" } } },
      "bad_request",
      /X-NetBackup-Authorization/,
    ],
    [{ command: { ...command, headers: { a: "b\nc" } } }, "bad_request", /line breaks/],
    [{ ratePerMinute: 1_001 }, "bad_request", /ratePerMinute/],
    [{ timeoutMs: 1e12 }, "bad_request", /timeoutMs/],
    [{ windows: [{ start: "24:00", end: "01:00" }] }, "bad_request", /HH:MM/],
    [{ primaries: { kind: "labels", labels: { site: "none" } } }, "bad_request", /none that you may use/],
    [{ primaries: { kind: "primaries", ids: ["nobody"] } }, "no_such_primary", /no primary/],
  ] as const) {
    const reply = await fixture.post(path, { ...good, ...wrong });
    const problem = reply.json() as { code: string };
    assert.equal(problem.code, code, reply.text);
    assert.match(reply.text, text);
  }
  assert.equal((await fixture.post(path, good)).status, 201);
  const second = await fixture.post(path, good);
  assert.deepEqual([second.status, (second.json() as { code: string }).code], [429, "limit_reached"]);
  await fixture.enrol("second");
  const many = await fixture.post(path, { ...good, primaries: { kind: "all" }, dryRun: true });
  assert.match(many.text, /2 are chosen; one rollout reaches 1 at most/);
});

test("rollouts - of primaries of which a caller may not see all are not shown; labels choose within the scope", async () => {
  await using fixture = await HubFixture.start();
  await enrolAt(fixture, "a1", "a");
  await enrolAt(fixture, "b1", "b");
  const scope = { kind: "labels", labels: { site: "a" } };
  const { key } = await fixture.makeKey({ name: "of-a", role: "operator", scope });
  const whole = { name: "x", command, primaries: { kind: "all" } };
  const both = as<Rollout>(await fixture.post(path, whole), 201);
  const own = as<Rollout>(await fixture.post(path, whole, { key }), 201);
  assert.deepEqual([both.targets, own.targets], [2, 1]);
  const list = as<{ data: Rollout[] }>(await fixture.call({ path, key }));
  assert.deepEqual(
    list.data.map(({ id }) => id),
    [own.id],
  );
  assert.equal((await fixture.post(`${path}/${both.id}/abort`, {}, { key })).status, 404);
});

test("rollouts - a restored hub starts no target that the other hub may have reached since", async () => {
  await using folder = await temporaryFolder();
  const [dataDir, to, restored] = ["data", "backup", "restored"].map((name) => join(folder.path, name));
  assert.ok(dataDir !== undefined && to !== undefined && restored !== undefined);
  const now = () => Date.now();
  let id = "";
  {
    await using fixture = await HubFixture.start({ dataDir });
    await enrolAt(fixture, "a1", "a");
    await enrolAt(fixture, "a2", "a");
    const wanted = { name: "x", command, primaries: { kind: "all" }, maxRunning: 1 };
    ({ id } = as<Rollout>(await fixture.post(path, wanted), 201));
    await until(fixture, id, ({ counts }) => counts?.started === 1);
    await backUp({ dataDir, to, withSecrets: true, now });
  }
  await restore({ from: to, dataDir: restored, dryRun: false, now });
  await using fixture = await HubFixture.start({ dataDir: restored, adminKey });
  const { state, reason, counts } = await until(fixture, id, (one) => one.counts?.started === 0);
  assert.deepEqual([state, counts?.unknown], ["aborted", 2]);
  assert.match(reason ?? "", /restored from the backup of/);
});
