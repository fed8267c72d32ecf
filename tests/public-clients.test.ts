// Clients as others write them for NetBackup, on the spot and through `sallyport proxy`, hub and NBWSS, with sallyport.v1 and without: each
// gets the same answers, and each answer is as NetBackup's documents have it.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { checkAnswer, StrictClient } from "./clients/strict-client.ts";
import {
  comparable,
  comparableSession,
  runClient,
  type ClientEnvironment,
  type Seen,
} from "./clients/transcript.ts";
import { temporaryFolder } from "./kit/folder.ts";
import { freePort, startServer, type ServerProcess } from "./kit/sallyport.ts";
import { adminKey, openGuardRules, password, Site, until } from "./kit/site.ts";

const user = "backupadmin";
let rulesFolder: ReturnType<typeof temporaryFolder>;
let site: Site;
let proxy: ServerProcess;
let source = "";
let image = "";
let job = "";

before(async () => {
  // On every address, as most run it.
  rulesFolder = temporaryFolder();
  site = await Site.start(undefined, ["--guard-rules", openGuardRules(rulesFolder.path)], "0.0.0.0");
  source = join(site.dir, "source");
  mkdirSync(source);
  writeFileSync(join(source, "file"), "content of a file");
  await using client = new StrictClient(straight());
  await client.logIn(user, password);
  const policy = {
    policyName: "reading",
    policyType: "Standard",
    clients: [{ hostName: "branch", OS: "Linux", hardware: "Linux" }],
    schedules: [{ scheduleName: "full", scheduleType: "Frequency", backupType: "Full Backup" }],
    backupSelections: { selections: [source] },
  };
  const body = { data: { type: "policy", id: "reading", attributes: { policy } } };
  await client.expect(204, "policy", "/config/policies/", { method: "POST", body });
  for (let count = 0; count < 2; count += 1) {
    const order = { data: { type: "backupRequest", attributes: { policyName: "reading" } } };
    const started = await client.expect(202, "backup", "/admin/manual-backup", {
      method: "POST",
      body: order,
    });
    job = (started as { data: { id: string }[] }).data[0]?.id ?? "";
    await site.notified("netbackup.job.done", `job/${job}`);
  }
  const images = await client.expect(200, "images", "/catalog/images");
  image = (images as { data: { id: string }[] }).data[0]?.id ?? "";
  await startProxy();
});
after(async () => {
  await proxy?.[Symbol.asyncDispose]();
  await site?.[Symbol.asyncDispose]();
  rulesFolder?.[Symbol.dispose]();
});

async function startProxy(): Promise<void> {
  const args = [
    "proxy",
    "branch",
    "--listen",
    `127.0.0.1:${await freePort()}`,
    "--tls-dir",
    join(site.dir, "proxy"),
  ];
  const env = { SALLYPORT_HUB: site.hub.url, SALLYPORT_CA: site.hub.caFile, SALLYPORT_API_KEY: adminKey };
  proxy = await startServer(args, env);
}

const straight = () => ({ base: `${site.primary.url}/netbackup`, ca: site.primary.caPem });
const through = () => ({ base: `${proxy.url}/netbackup`, ca: proxy.caPem });

function environment(isStraight: boolean, more: ClientEnvironment = {}): ClientEnvironment {
  const work = join(site.dir, `work-${isStraight ? "straight" : "through"}`);
  mkdirSync(work, { recursive: true });
  return {
    NBU_BASE: (isStraight ? straight() : through()).base,
    NBU_CA: isStraight ? site.primary.caFile : proxy.caFile,
    NBU_USER: user,
    NBU_PASSWORD: password,
    NBU_CLIENT: "branch",
    NBU_IMAGE: image,
    NBU_JOB: job,
    NBU_WORK: work,
    ...more,
  };
}

const health = async () => (await site.client.findPrimary(site.primaryId)).connection["health"];

let sessions = 0;
async function session(isStraight: boolean): Promise<object[]> {
  sessions += 1;
  const policyName = `Session.${sessions}`;
  const target = join(site.dir, `restored-${sessions}`);
  const seen = await runClient("netbackup_session.py", {
    ...environment(isStraight),
    NBU_POLICY: policyName,
    NBU_SOURCE: source,
    NBU_TARGET: target,
  });
  assert.equal(readFileSync(join(target, "file"), "utf8"), "content of a file");
  for (const one of seen) checkAnswer(one);
  return seen.filter(({ step }) => step !== "list policies").map((one) => comparableSession(one, policyName));
}

async function strictly(isStraight: boolean): Promise<Seen[]> {
  await using client = new StrictClient(isStraight ? straight() : through());
  await client.logIn(user, password);
  assert.equal(await client.probe(), "14.0");
  const byCursor = await client.jobsByCursor("12.0", 2);
  const byOffset = await client.jobsByOffset("4.0", 2, "2020-01-01T00:00:00Z");
  assert.ok(byCursor.length > 2);
  assert.deepEqual(byOffset, byCursor);
  for (const path of [
    "/storage/storage-units?page[limit]=500",
    "/config/unique-policy-clients",
    "/catalog/images?page[limit]=1&page[offset]=1",
    `/admin/jobs/${job}/file-lists`,
    `/admin/jobs/${job}/progress-logs`,
    "/config/hosts",
    "/manage/alerts",
    "/licensing/capacity",
  ]) {
    await client.expect(200, path, path);
  }
  await client.expect(501, "roles", "/access-control/roles");
  await client.expect(404, "no job", "/admin/jobs/999999");
  return client.seen;
}

/** Compares both ways, with the hub as it is. */
async function compareWays(): Promise<void> {
  assert.deepEqual(await session(false), await session(true));
  const clients = {
    perl: (isStraight: boolean) => runClient("netbackup_lists.pl", environment(isStraight)),
    curl: (isStraight: boolean) => runClient("netbackup_curl.sh", environment(isStraight)),
    strict: strictly,
  };
  for (const [name, run] of Object.entries(clients)) {
    const [there, here] = [await run(false), await run(true)];
    assert.ok(here.length > 10, name);
    for (const one of [...there, ...here]) checkAnswer(one);
    assert.deepEqual(there.map(comparable), here.map(comparable), name);
  }
}

test("public clients - get the same answers on the spot and through hub and proxy, with sallyport.v1", async () => {
  // Only who speaks it says how it is.
  await until(async () => (await health()) !== null);
  await compareWays();
});

test("public clients - get the same answers through a hub that speaks NBWSS 1.0 only", async () => {
  await proxy.stop();
  await site.hub.stop();
  process.env["SALLYPORT_HUB_PROTOCOL"] = "nbwss-1.0";
  try {
    await site.startHub();
  } finally {
    delete process.env["SALLYPORT_HUB_PROTOCOL"];
  }
  await site.connected();
  assert.equal(await health(), null);
  await startProxy();
  await compareWays();
});

test("public clients - administer the endpoints of the service as NetBackup's documents have it", async () => {
  await using client = new StrictClient(straight());
  await client.logIn(user, password);
  const path = "/config/servers/wssendpoints";
  const { endpoint } = await site.client.addPrimary({ name: "second" });
  const validated = (await client.expect(200, "validate", `${path}/validatehost`, {
    method: "POST",
    body: endpoint,
  })) as { hostName: string };
  await client.expect(201, "save", `${path}/save`, { method: "POST", body: validated });
  const body = { hostName: validated.hostName, state: "DEACTIVATED" };
  await client.expect(200, "update", `${path}/update`, { method: "POST", body });
  await client.expect(200, "list", path);
  await client.expect(200, "delete", `${path}/${validated.hostName}`, { method: "DELETE" });
  await client.expect(404, "delete again", `${path}/${validated.hostName}`, { method: "DELETE" });
});
