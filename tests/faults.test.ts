// What must survive: real hub and primary processes, killed, stopped and cut off at the worst moments.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, readdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { connect } from "node:tls";
import { compareTrees } from "@sallyport/cli";
import { ended } from "./kit/ended.ts";
import { testBothWays } from "./kit/both-ways.ts";
import { startFaultProxy, type FaultProxy } from "./kit/fault-proxy.ts";
import { temporaryFolder } from "./kit/folder.ts";
import { makeSource, openGuardRules, Site, until } from "./kit/site.ts";

const mib = 1024 * 1024;

/** How often each notification was stored, by what it says; the subject's own order is checked beside. */
async function storedOnce(site: Site): Promise<void> {
  const events = await site.notifications();
  const seen = events.map(({ type, subject }) => `${type} ${subject}`);
  assert.deepEqual(seen.toSorted(), [...new Set(seen)].toSorted(), "a notification was stored twice");
  const positions = events.map(({ position }) => position);
  assert.deepEqual(
    positions,
    positions.toSorted((a, b) => a - b),
  );
}

async function done(site: Site, jobId: string): Promise<number | undefined> {
  await until(async () => (await site.application.job(jobId)).attributes.state === "DONE");
  return (await site.application.job(jobId)).attributes.status;
}

test("faults - a primary killed in the middle of a backup ends the job, unlocks the repository and backs up again", async () => {
  await using site = await Site.start();
  const source = makeSource(site.dir, 3, 16 * mib);
  // Takes restic minutes to read, and no space.
  const slow = join(source, "slow");
  writeFileSync(slow, "");
  truncateSync(slow, 400 * 1024 * mib);
  await site.application.createPolicy("p", "branch", [source]);
  const killed = await site.application.backUp("p");
  await until(async () => {
    const { kilobytesTransferred = 0, state } = (await site.application.job(killed)).attributes;
    assert.notEqual(state, "DONE", "the backup was too quick to be killed");
    return kilobytesTransferred > 0;
  });
  await site.primary.kill();
  rmSync(slow);

  await site.startPrimary();
  await site.connected();
  await site.login();
  assert.equal(await done(site, killed), 50);
  await site.notified("netbackup.job.done", `job/${killed}`);

  const again = await site.application.backUp("p");
  assert.equal(await done(site, again), 0);
  await site.notified("netbackup.job.done", `job/${again}`);
  assert.deepEqual(locksOf(site), []);
  await storedOnce(site);
  const running = execFileSync("ps", ["-eo", "args"], { encoding: "utf8" });
  assert.ok(!running.split("\n").some((args) => args.startsWith("restic") && args.includes(site.dir)));
});

function locksOf(site: Site): string[] {
  const folders = readdirSync(join(site.dir, "primary"), { recursive: true, encoding: "utf8" });
  return folders.filter((path) => /(^|\/)locks\/./.test(path));
}

testBothWays(
  "faults - a hub killed after a notification came and before it was acknowledged has it once",
  async () => {
    let proxy: FaultProxy | undefined;
    await using site = await Site.start(async (hubPort) => {
      proxy = await startFaultProxy(hubPort);
      return proxy.port;
    });
    await using between = proxy as unknown as FaultProxy;
    const source = makeSource(site.dir, 2, 1000);
    await site.application.createPolicy("p", "branch", [source]);
    const before = await acknowledged(site);
    const jobId = await site.application.backUp("p");
    // From here on the hub's acknowledgements never arrive, though it stores what comes.
    between.swallowServerBytes();
    await until(async () => (await site.notifications()).length > 0);
    const stored = (await site.notifications()).length;
    await site.hub.kill();
    assert.ok(stored > (await acknowledged(site)) - before, "nothing was left unacknowledged");

    between.heal();
    between.cut();
    await site.startHub();
    await site.connected();
    await site.notified("netbackup.job.done", `job/${jobId}`);
    const events = await site.notifications();
    await until(async () => (await acknowledged(site)) - before >= events.length);
    assert.deepEqual(events.map(({ type }) => type).toSorted(), [
      "netbackup.image.create",
      "netbackup.job.active",
      "netbackup.job.done",
    ]);
    await storedOnce(site);
  },
);

async function acknowledged(site: Site): Promise<number> {
  return site.primary.log.filter((line) => line.includes('"msg":"notification.acknowledged"')).length;
}

testBothWays(
  "faults - a backup that runs while the hub is down ends, and its notifications arrive once when the hub is back",
  async () => {
    await using site = await Site.start();
    const source = makeSource(site.dir, 8, 8 * mib);
    await site.application.createPolicy("p", "branch", [source]);
    const jobId = await site.application.backUp("p");
    assert.equal(await site.hub.stop(), 0);
    await site.primary.logged("job.done");

    await site.startHub();
    await site.connected();
    await site.login();
    await site.notified("netbackup.job.done", `job/${jobId}`);
    assert.equal(await done(site, jobId), 0);
    await storedOnce(site);
    const job = (await site.notifications()).filter(({ subject }) => subject === `job/${jobId}`);
    assert.deepEqual(
      job.map(({ type }) => type),
      ["netbackup.job.active", "netbackup.job.done"],
    );
  },
);

test("faults - a hub killed again and again while backups run stores each notification once", async () => {
  await using site = await Site.start();
  const source = makeSource(site.dir, 3, 1000);
  await site.application.createPolicy("p", "branch", [source]);
  const jobs: string[] = [];
  for (let round = 0; round < 4; round += 1) {
    for (let n = 0; n < 3; n += 1) jobs.push(await site.application.backUp("p"));
    // The rounds differ in how far the notifications of their jobs have come.
    await until(async () => (await site.notifications()).length > jobs.length * round * 0.5);
    await site.hub.kill();
    await site.startHub();
    await site.connected();
    await site.login();
  }
  for (const jobId of jobs) await site.notified("netbackup.job.done", `job/${jobId}`);
  await storedOnce(site);
  assert.equal((await site.notifications()).length, jobs.length * 3);
});

test("faults - the hub's log is undamaged by garbage on its port, and the primary goes on", async () => {
  await using site = await Site.start();
  for (const garbage of [
    "GET / HTTP/9.9\r\n\r\n",
    "\0".repeat(5000),
    `POST /${"x".repeat(20_000)}\r\n\r\n`,
  ]) {
    const socket = connect({ host: "127.0.0.1", port: site.hubPort, ca: site.hub.caPem });
    socket.on("error", () => socket.destroy());
    const closed = ended(socket);
    await once(socket, "secureConnect");
    socket.end(garbage);
    socket.resume();
    await closed;
  }
  const { status } = await site.client.gateway(site.primaryId, { method: "GET", path: "/netbackup/ping" });
  assert.equal(status, 200);
});

test("faults - a source that is missing gives status 71, through the hub as on premises", async () => {
  await using site = await Site.start();
  await site.application.createPolicy("gone", "branch", [join(site.dir, "no-such-folder")]);
  const jobId = await site.application.backUp("gone");
  assert.equal(await done(site, jobId), 71);
  await site.notified("netbackup.job.done", `job/${jobId}`);
});

testBothWays("faults - what was restored through the hub is the same, odd names included", async () => {
  using folder = temporaryFolder();
  await using site = await Site.start(undefined, ["--guard-rules", openGuardRules(folder.path)]);
  const source = makeSource(site.dir, 5, 100_000);
  writeFileSync(join(source, "-rf *? [x] \n ü"), "odd");
  chmodSync(join(source, "file-0"), 0o640);
  symlinkSync("file-1", join(source, "link"));
  await site.application.createPolicy("p", "branch", [source]);
  assert.equal(await done(site, await site.application.backUp("p")), 0);
  await until(async () => (await site.notifications()).some(({ type }) => type === "netbackup.image.create"));
  const created = (await site.notifications()).find(({ type }) => type === "netbackup.image.create");
  const image = await site.application.image(String(created?.data["backupId"]));
  const target = join(site.dir, "restored");
  const restoreId = await site.application.restore(image, [{ from: source, to: target }], {
    server: "branch",
  });
  assert.equal(await done(site, restoreId), 0);
  const { numberOfFiles, kilobytesTransferred } = (await site.application.job(restoreId)).attributes;
  assert.deepEqual([numberOfFiles, kilobytesTransferred], [7, Math.ceil(500_003 / 1024)]);
  const compared = await compareTrees(source, target);
  assert.deepEqual([compared.files, compared.differences], [6, []]);
});
