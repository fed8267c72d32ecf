import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdir, readFile, truncate, writeFile } from "node:fs/promises";
import { userInfo } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { makeQuickRepository } from "../testing/quick-repository.ts";
import { startSshd } from "../testing/storage-servers.ts";
import {
  backupTimeOf,
  clientName,
  multipart,
  policyBody,
  recoverPath,
  recoveryRequest,
  startTestPrimary,
  temporaryFolder,
  type TestPrimary,
} from "../testing/test-primary.ts";
import { unitOfClient } from "./client-unit.ts";
import { registerClient } from "./register-client.ts";

const hosts = ["web1", "web2", clientName];

interface PolicyParts {
  selections: string[];
  clients?: string[];
  attributes?: object;
  backupType?: string;
}

async function createPolicy(primary: TestPrimary, name: string, parts: PolicyParts): Promise<void> {
  const { selections, clients = hosts, attributes = {}, backupType = "Full Backup" } = parts;
  const body = policyBody(name, selections);
  const { policy } = body.data.attributes;
  policy.clients = clients.map((hostName) => ({ hostName, OS: "Linux", hardware: "Linux" }));
  policy.schedules = [{ scheduleName: "s", scheduleType: "Frequency", backupType }];
  Object.assign(policy.policyAttributes, attributes);
  await primary.expect(204, "POST /config/policies", { body });
}

/** Starts a policy's backups; answers their jobs in order of the clients. */
async function start(primary: TestPrimary, policyName: string): Promise<number[]> {
  const body = { data: { type: "backupRequest", attributes: { policyName } } };
  const answer = await primary.expect(202, "POST /admin/manual-backup", { body });
  return (answer.body as { data: { attributes: { jobId: number } }[] }).data.map(
    ({ attributes }) => attributes.jobId,
  );
}

async function statusesOf(primary: TestPrimary, jobs: readonly number[]): Promise<number[]> {
  const ends = await Promise.all(jobs.map((id) => primary.journal.jobDone(id)));
  return ends.map(({ status }) => status);
}

async function imageOf(primary: TestPrimary, jobId: number): Promise<Record<string, number>> {
  const { backupId } = await primary.job(jobId);
  const answer = await primary.expect(200, `/catalog/images/${String(backupId)}`);
  return (answer.body as { data: { attributes: Record<string, number> } }).data.attributes;
}

test("several clients - are backed up at once within the bounds, each with its own excludes and its own end", async () => {
  await using folder = await temporaryFolder();
  const at = (...names: string[]) => join(folder.path, ...names);
  await using first = await startSshd(at("sshd1"));
  await using second = await startSshd(at("sshd2"));
  const dataDir = at("data");
  await using primary = await startTestPrimary(dataDir);
  for (const [index, { definition }] of [first, second].entries()) {
    const { port, hostKeys } = definition as unknown as { port: number; hostKeys: string[] };
    const name = `web${index + 1}`;
    await registerClient(dataDir, {
      name,
      host: "127.0.0.1",
      port,
      user: userInfo().username,
      keyFile: at(`sshd${index + 1}`, "identity"),
      hostKey: hostKeys[0] ?? "",
    });
    makeQuickRepository(dataDir, unitOfClient(name));
  }

  // All of a policy's clients run beside each other, up to the policy's limit; other policies pass what waits for it.
  const endless = at("endless");
  await writeFile(endless, "");
  await truncate(endless, 2 ** 43);
  await createPolicy(primary, "all", { selections: [endless], attributes: { jobLimit: 2 } });
  const jobs = await start(primary, "all");
  assert.equal(jobs.length, hosts.length);
  const active = () => primary.journal.jobs().filter(({ state }) => state === "ACTIVE");
  await primary.journal.until(() => (active().length === 2 ? true : undefined));
  const [waiting = 0] = jobs.filter((id) => !active().some(({ jobId }) => jobId === id));
  const { state, jobQueueReason, jobQueueResource } = await primary.job(waiting);
  assert.deepEqual([state, jobQueueReason, jobQueueResource], ["QUEUED", 24, "policy all, 2 jobs at once"]);
  await createPolicy(primary, "urgent", {
    selections: [endless],
    clients: ["web1"],
    attributes: { priority: 9 },
  });
  const [urgent = 0] = await start(primary, "urgent");
  await primary.journal.until(() => active().find(({ jobId }) => jobId === urgent));
  for (const id of [...jobs, urgent]) await primary.expect(202, `POST /admin/jobs/${id}/cancel`);
  assert.deepEqual(await statusesOf(primary, [...jobs, urgent]), [150, 150, 150, 150]);

  // One that is off fails alone, with all of its streams; its family is restarted when it is back.
  const sources = ["a", "b"].map((name) => at("source", name));
  for (const source of sources) await mkdir(source, { recursive: true });
  await writeFile(at("source", "a", "large"), randomBytes(2_000_000));
  await writeFile(at("source", "b", "notes.tmp"), "temporary");
  await createPolicy(primary, "streams", {
    selections: sources,
    attributes: { useMultipleDataStreams: true },
  });
  await second.stop();
  const parents = await start(primary, "streams");
  assert.deepEqual(await statusesOf(primary, parents), [0, 57, 0]);
  assert.equal((await primary.job(parents[0] ?? 0))["numberOfFiles"], 2);
  await second.start();
  const failed = parents[1] ?? 0;
  await primary.expect(202, `POST /admin/jobs/${failed}/restart`);
  const request = await primary.expect(200, `/admin/restart-job-requests/${failed}`);
  const restarted = Number((request.body as { data: { id: string } }).data.id);
  assert.deepEqual(await statusesOf(primary, [restarted]), [0]);

  // What one client's list excludes is backed up of the others; and an incremental backup stores what is new.
  const list = await primary.expect(200, "/config/hosts?filter=hostName eq 'web1'");
  const [host] = (list.body as { hosts: { uuid: string }[] }).hosts;
  const configurations = `/config/hosts/${host?.uuid}/configurations`;
  const value = ["*.tmp", "/nothing 'quoted' $(touch x)"];
  const body = { data: { type: "hostConfiguration", id: "Exclude", attributes: { value } } };
  await primary.expect(204, `POST ${configurations}`, { body });
  await primary.expect(200, `${configurations}/Exclude`);
  await writeFile(at("source", "b", "new"), "new");
  const backupType = "Differential Incremental Backup";
  await createPolicy(primary, "daily", { selections: [at("source")], backupType });
  const daily = await start(primary, "daily");
  assert.deepEqual(await statusesOf(primary, daily), [0, 0, 0]);
  const images = await Promise.all(daily.map((id) => imageOf(primary, id)));
  assert.deepEqual(
    images.map((image) => image["numFiles"]),
    [2, 3, 3],
  );
  for (const image of images) {
    assert.ok((image["kbytes"] ?? 0) > 1900);
    assert.ok((image["kbytesDataTransferred"] ?? Infinity) < 100, JSON.stringify(image));
  }

  // What was web1's goes to web2.
  const backupId = String((await primary.job(daily[0] ?? 0))["backupId"]);
  const backupTime = backupTimeOf(backupId);
  const recovery = recoveryRequest(backupTime, false);
  recovery.data.attributes.recoveryPoint.client = "web1";
  recovery.data.attributes.recoveryOptions.destinationClient = "web2";
  const answer = await primary.expect(
    201,
    `POST ${recoverPath}`,
    multipart({
      recoveryRequest: recovery,
      selectionsFile: [{ path: at("source"), backupTime }],
      renameFile: [{ from: at("source"), to: at("moved") }],
    }),
  );
  const { id } = (answer.body as { data: { id: number } }).data;
  assert.deepEqual(await statusesOf(primary, [id]), [0], await primary.log(id));
  assert.deepEqual(await readFile(at("moved", "a", "large")), await readFile(at("source", "a", "large")));
  assert.equal(await readFile(at("moved", "b", "new"), "utf8"), "new");
  await assert.rejects(readFile(at("moved", "b", "notes.tmp")), { code: "ENOENT" });

  // A file that shrinks while it is read is backed up as far as it was read.
  await createPolicy(primary, "shrinking", { selections: [endless], clients: ["web1"] });
  const [shrinking = 0] = await start(primary, "shrinking");
  await primary.event("job.progress", shrinking);
  await truncate(endless, 0);
  assert.deepEqual(await statusesOf(primary, [shrinking]), [0], await primary.log(shrinking));
  assert.equal((await imageOf(primary, shrinking))["numFiles"], 1);
});
