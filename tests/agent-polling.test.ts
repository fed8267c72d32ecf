// A lone agent that reads the server in front of which it stands: our own primary as if it were foreign, and one that is killed while it reads.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { NbwssService } from "@sallyport/agent";
import { CloudApplication, PrimaryClient } from "@sallyport/cli";
import { openDatabase } from "@sallyport/durable";
import { pino } from "pino";
import { startCloud } from "./kit/cloud.ts";
import { temporaryFolder } from "./kit/folder.ts";
import { startForeignNetBackup, type ForeignJob } from "./kit/foreign-netbackup.ts";
import { startSurroundings, user } from "./kit/lone-site.ts";
import { makeSource, password, until } from "./kit/site.ts";

const pace = ["--poll-jobs-every", "1s", "--poll-images-every", "1s"];

test("polling - our own primary, read as if it were foreign: the hub hears of each job and image", async () => {
  using folder = temporaryFolder();
  await using site = await startSurroundings(folder.path);
  await using first = await site.startAgent(...site.asAgent, ...pace);
  assert.equal((await site.cli("endpoint", "add", "--file", site.detailsFile, "--yes")).code, 0);
  await site.connected();
  const cloud = new CloudApplication(site.client, site.created.id);
  await cloud.login(user, password);
  const told = async () =>
    (await site.client.notifications(0, site.created.id)).data.map(
      ({ type, subject }) => `${subject} ${type}`,
    );
  const heard = (what: string) => until(async () => (await told()).includes(what));
  await cloud.createPolicy("nightly", hostname(), [makeSource(folder.path, 5, 1000)]);
  const jobId = await cloud.backUp("nightly");
  await heard(`job/${jobId} netbackup.job.done`);
  await until(async () => (await told()).some((line) => line.endsWith("netbackup.image.create")));

  // While the agent is away an image goes and a job comes.
  const [image] = (await told()).filter((line) => line.endsWith("netbackup.image.create"));
  const backupId = (image ?? "").replace("image/", "").replace(/ .*/, "");
  await first.kill();
  // On premises, where nothing is held for approval.
  process.env["SALLYPORT_PRIMARY_PASSWORD"] = password;
  const { url, caFile: ca } = site.netbackup;
  await using administrator = await PrimaryClient.login({ primary: url, user, ca });
  const attributes = { backupId, date: "1970-01-01T00:00:00.000Z" };
  const expiry = { data: { type: "byBackupId", attributes } };
  await administrator.call("POST", "/catalog/images/update-expiration-date", expiry);
  const backup = { data: { type: "backupRequest", attributes: { policyName: "nightly" } } };
  const started = await administrator.call("POST", "/admin/manual-backup", backup);
  const second = (started as { data: { id: string }[] }).data[0]?.id ?? "";
  await using agent = await site.startAgent(...site.asAgent, ...pace);
  await heard(`job/${second} netbackup.job.done`);
  await heard(`image/${backupId} netbackup.image.delete`);
  const all = await told();
  for (const line of all.filter((text) => /done|create|delete/.test(text))) {
    assert.equal(all.filter((other) => other === line).length, 1, line);
  }
  assert.equal(await agent.stop(), 0);
});

test("polling - killed again and again while it reads, the agent tells of each change once and in order", async () => {
  using folder = temporaryFolder();
  await using cloud = await startCloud({ dir: folder.path });
  await using foreign = await startForeignNetBackup({ dir: folder.path });
  const agentDir = join(folder.path, "agent");
  const caFile = join(folder.path, "foreign-ca.pem");
  writeFileSync(caFile, foreign.caPem);
  const args = [agentDir, foreign.origin, caFile];
  const start = () => startReader(args, "runner.ready");
  // Until jobs and images that are there are known; then the endpoint, as an administrator adds it.
  const made = await startReader(args, "poll.began", 2);
  await made.kill();
  await addEndpoint(agentDir, cloud);

  let rounds = 0;
  const changing = setInterval(() => {
    rounds += 1;
    change(foreign.state, rounds);
  }, 40);
  try {
    for (let kill = 1; kill <= 4; kill += 1) {
      const reader = await start();
      const before = cloud.notifications.length;
      await cloud.until(() => cloud.notifications.length > before + 20);
      await reader.kill();
    }
  } finally {
    clearInterval(changing);
  }
  for (const job of foreign.state.jobs) finish(job, foreign.state.nowMs);
  const expected = foreign.state.jobs.length;
  const last = await start();
  await cloud.until(() => ended(cloud).length >= expected && created(cloud).length >= expected);
  await last.kill();
  const unique = (ids: unknown[]) => new Set(ids).size;
  assert.deepEqual([ended(cloud).length, unique(ended(cloud))], [expected, expected]);
  assert.deepEqual([created(cloud).length, unique(created(cloud))], [expected, expected]);
  const states = new Map<unknown, unknown[]>();
  for (const item of items(cloud)) {
    if (item["jobId"] !== undefined)
      states.set(item["jobId"], [...(states.get(item["jobId"]) ?? []), item["state"]]);
  }
  for (const [jobId, seen] of states) assert.match(seen.join(" "), /^(ACTIVE )?DONE$/, String(jobId));
});

type Cloud = Awaited<ReturnType<typeof startCloud>>;
type Foreign = Awaited<ReturnType<typeof startForeignNetBackup>>["state"];

/** What the cloud was told; a message that came again under the same id counts once. */
function items(cloud: Cloud): Record<string, unknown>[] {
  const messages = new Map(cloud.notifications.map((message) => [message.id, message]));
  return [...messages.values()].flatMap(({ payload }) => payload.flatMap(({ data }) => data));
}
const ended = (cloud: Cloud) => items(cloud).flatMap(({ jobId, state }) => (state === "DONE" ? [jobId] : []));
const created = (cloud: Cloud) =>
  items(cloud).flatMap(({ backupId, operationId }) => (operationId === "CREATE" ? [backupId] : []));

/** One job begins, and the one before it ends and has made an image. */
function change(state: Foreign, jobId: number): void {
  state.nowMs += 1_000;
  const before = state.jobs.at(-1);
  if (before !== undefined) finish(before, state.nowMs);
  state.jobs.push({ jobId, state: "ACTIVE", startMs: state.nowMs, updatedMs: state.nowMs });
  state.images.push({ id: `client_${jobId}`, backupMs: state.nowMs, copyMs: state.nowMs, copies: 1 });
}

function finish(job: ForeignJob, nowMs: number): void {
  if (job.state === "DONE") return;
  Object.assign(job, { state: "DONE", status: 0, endMs: nowMs, updatedMs: nowMs });
}

/** Starts a reader and waits for a line of its output, so many times. */
async function startReader(args: string[], line: string, count = 1) {
  const script = join(import.meta.dirname, "kit", "poll-runner.ts");
  const child = spawn(process.execPath, [script, ...args], { stdio: ["ignore", "pipe", "inherit"] });
  const exited = once(child, "exit");
  let found = 0;
  for await (const text of createInterface({ input: child.stdout })) {
    if (text.includes(`"msg":"${line}"`)) found += 1;
    if (found === count) break;
  }
  child.stdout.resume();
  return {
    async kill() {
      child.kill("SIGKILL");
      await exited;
    },
  };
}

async function addEndpoint(agentDir: string, cloud: Cloud): Promise<void> {
  using database = openDatabase({ path: join(agentDir, "agent.db"), migrations: [] });
  await using service = new NbwssService({
    database,
    log: pino({ level: "silent" }),
    auditDir: join(agentDir, "audit"),
    endpointCaPem: cloud.caPem,
  });
  const { certificate } = await service.administration.validateHost(cloud.details);
  await service.administration.save({ ...cloud.details, certificate, state: "ACTIVATED" });
}
