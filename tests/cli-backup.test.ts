// `sallyport backup` and `sallyport restore`: what an operator orders through the hub is done at the primary, and its end is told.
import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { startPostgresql } from "../packages/primary/src/testing/postgresql.ts";
import type { Ended } from "./kit/sallyport.ts";
import { makeSource, Site, until } from "./kit/site.ts";

interface Waited {
  jobs: { id: string; attributes: { state: string; status: number } }[];
}

/** Orders what the guard holds, has it approved on premises, and orders it again with the ticket. */
async function approved(site: Site, order: string[]): Promise<Ended> {
  const held = await site.cli(order);
  const [, ticket = ""] = /waits for approval on premises; .* with --ticket (\S+)/.exec(held.stderr) ?? [];
  assert.deepEqual([held.code, ticket === ""], [3, false], held.stderr);
  const approval = await site.cli(["guard", "approve", ticket, "--yes"]);
  assert.equal(approval.code, 0, approval.stderr);
  const done = await site.cli([...order, "--ticket", ticket]);
  assert.equal(done.code, 0, done.stderr);
  return done;
}

test("docs - the policy of the administrator's guide is taken as it stands", async () => {
  await using site = await Site.start();
  const guide = readFileSync(join(import.meta.dirname, "../docs/administrator.md"), "utf8");
  const [, example = ""] = /<!-- policy example -->\n```json\n([^]*?)```/.exec(guide) ?? [];
  const body = example.replace("branch-server", "branch");
  const made = await site.cli(["call", "branch", "POST", "/config/policies", "--body", body]);
  assert.equal(made.code, 0, made.stdout);
  const read = await site.cli(["call", "branch", "GET", "/config/policies/nightly"]);
  assert.match(read.stdout, /"scheduleName": "full"/);
});

test("cli - a call is kept for a primary that is away, also when the environment names a user", async () => {
  await using site = await Site.start();
  const list = await site.cli(["endpoint", "list", "--json"]);
  const [{ hostName } = { hostName: "" }] = JSON.parse(list.stdout) as { hostName: string }[];
  assert.equal((await site.cli(["endpoint", "deactivate", hostName])).code, 0);
  await until(
    async () => (await site.client.findPrimary(site.primaryId)).connection.state === "disconnected",
  );
  assert.match((await site.cli(["primaries", "list"])).stdout, /disconnected/);
  const now = await site.cli(["call", "branch", "GET", "/admin/jobs"]);
  assert.match(now.stderr, /login at the primary failed \(503\): .* --async/);
  const kept = await site.cli(["call", "branch", "GET", "/admin/jobs", "--async"]);
  assert.deepEqual([kept.code, /"state": "queued"/.test(kept.stdout)], [0, true], kept.stderr);
});

test("cli - backup and restore order the work, wait for it and tell its end by the exit code", async () => {
  await using site = await Site.start();
  const source = makeSource(site.dir, 3, 10_000);
  await site.application.createPolicy("nightly", "branch", [source]);
  await site.application.createPolicy("broken", "branch", [join(site.dir, "no-such-folder")]);

  const backup = await site.cli(["backup", "branch", "nightly"]);
  assert.equal(backup.code, 0, backup.stderr);
  assert.match(backup.stdout, /backup job \d+ 100% {2}DONE with status 0, 3 files/);
  const failed = await site.cli(["backup", "branch", "broken", "--json"]);
  assert.equal(failed.code, 1);
  assert.match(failed.stderr, /job \d+ ended with status 71/);
  const [job] = (JSON.parse(failed.stdout) as Waited).jobs;
  assert.deepEqual([job?.attributes.state, job?.attributes.status], ["DONE", 71]);
  const started = await site.cli(["backup", "branch", "nightly", "--no-wait"]);
  assert.match(started.stdout, /^backup job \d+ was started$/m);
  const none = await site.cli(["backup", "branch", "no-such-policy"]);
  assert.deepEqual([none.code, /no policy/.test(none.stderr)], [1, true], none.stderr);

  await until(async () => (await site.notifications()).some(({ type }) => type === "netbackup.image.create"));
  const list = await site.cli(["images", "list", "--json"]);
  const images = JSON.parse(list.stdout) as { backupId: string }[];
  const backupId = images[0]?.backupId ?? "";
  const to = join(site.dir, "restored");
  const order = ["restore", "branch", backupId, "--path", source, "--to", to];
  const dry = await site.cli([...order, "--dry-run"]);
  assert.match(dry.stdout, /Nothing was restored/);
  assert.equal(existsSync(to), false);
  const restore = await approved(site, order);
  assert.match(restore.stdout, /restore job \d+ 100%/);
  const file = "file-1";
  assert.deepEqual(readFileSync(join(to, source, file)), readFileSync(join(source, file)));

  // In place, a changed file stays unless it is to be overwritten.
  const before = readFileSync(join(source, file));
  writeFileSync(join(source, file), "changed");
  const inPlace = ["restore", "branch", backupId, "--path", join(source, file)];
  await approved(site, inPlace);
  assert.equal(readFileSync(join(source, file), "utf8"), "changed");
  await approved(site, [...inPlace, "--overwrite"]);
  assert.deepEqual(readFileSync(join(source, file)), before);

  // The image of a database is restored by the same command, as the file of its dump.
  await using server = await startPostgresql(site.dir);
  await server.query("postgres", "create database shop");
  const database = ["--type", "PostgreSQL", "--host", server.socket, "--user", "backup"];
  const credential = ["--credential-file", server.credentialFile];
  const data = ["--data", join(site.dir, "primary")];
  const added = await site.cli(["primary", "database", "add", "shop", ...data, ...database, ...credential]);
  assert.equal(added.code, 0, added.stderr);
  const policy = {
    policyName: "shop",
    policyType: "PostgreSQL",
    clients: [{ hostName: "branch" }],
    backupSelections: { selections: ["shop"] },
    schedules: [],
  };
  const body = JSON.stringify({ data: { type: "policy", id: "shop", attributes: { policy } } });
  assert.equal((await site.cli(["call", "branch", "POST", "/config/policies", "--body", body])).code, 0);
  const dumped = await site.cli(["backup", "branch", "shop"]);
  assert.equal(dumped.code, 0, dumped.stderr);
  const filter = "/catalog/images?filter=policyName eq 'shop'";
  const found = await site.cli(["call", "branch", "GET", filter]);
  const [dump] = (JSON.parse(found.stdout) as { data: { id: string }[] }).data;
  const path = "/postgresql/shop.dump";
  await approved(site, ["restore", "branch", dump?.id ?? "", "--path", path, "--to", to]);
  await server.query("postgres", "create database shop_restored");
  await server.restore("shop_restored", join(to, path));

  for (const wrong of [
    ["restore", "branch", backupId],
    ["restore", "branch", backupId, "--path", "etc"],
  ]) {
    const { code, stderr } = await site.cli(wrong);
    assert.deepEqual([code, /--path|absolute/.test(stderr)], [2, true], stderr);
  }
});
