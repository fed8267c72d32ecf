import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";
import { openDatabase } from "@sallyport/durable";
import { migrations } from "../schema.ts";
import { policyBody, startTestPrimary, temporaryFolder, type TestPrimary } from "../testing/test-primary.ts";
import { JobStore } from "./job-store.ts";

async function list(primary: TestPrimary, filter: string) {
  const answer = await primary.expect(200, `/admin/jobs?sort=jobId&filter=${encodeURIComponent(filter)}`);
  const { data } = answer.body as { data: { attributes: Record<string, unknown> }[] };
  return data.map(({ attributes }) => attributes);
}

test("job family - a parent is restarted for the streams that have failed, and counts and lists its children", async () => {
  await using folder = await temporaryFolder();
  const dataDir = join(folder.path, "data");
  await using primary = await startTestPrimary(dataDir);
  const [good, late] = [join(folder.path, "good"), join(folder.path, "late")];
  await writeFile(good, Buffer.alloc(10_240, 1));
  const body = policyBody("streams", [good, late]);
  Object.assign(body.data.attributes.policy.policyAttributes, { useMultipleDataStreams: true });
  await primary.expect(204, "POST /config/policies", { body });
  const first = await primary.startBackup("streams");
  assert.equal((await primary.journal.jobDone(first)).status, 1, await primary.log(first));
  assert.match(await primary.log(first), /stream 1, job \d+: status 0[^]*stream 2, job \d+: status 71/);
  const children = await list(primary, `parentJobId eq ${first}`);
  assert.deepEqual(
    children.map((job) => [job["streamNumber"], job["status"], job["restartable"], job["childCount"]]),
    [
      [1, 0, 0, 0],
      [2, 71, 1, 0],
    ],
  );
  assert.deepEqual(
    (await list(primary, "parentJobId eq 0")).map((job) => job["jobId"]),
    [first],
  );
  const parent = await primary.job(first);
  assert.deepEqual(
    ["kilobytesTransferred", "numberOfFiles", "childCount", "restartable", "suspendable"].map(
      (name) => parent[name],
    ),
    [10, 1, 2, 1, 0],
  );
  assert.equal(parent["backupId"], undefined);
  await writeFile(late, "here now");
  const { headers } = await primary.expect(202, `POST /admin/jobs/${first}/restart`);
  const location = String(headers["location"]).replace("/netbackup", "");
  const { body: made } = await primary.expect(200, location);
  const second = Number((made as { data: { id: string } }).data.id);
  assert.equal((await primary.journal.jobDone(second)).status, 0, await primary.log(second));
  const again = await list(primary, `parentJobId eq ${second}`);
  assert.deepEqual(
    again.map((job) => [job["streamNumber"], job["status"]]),
    [[2, 0]],
  );
  await primary.expect(400, `POST /admin/jobs/${second}/restart`);
});

test("job family - after a kill what ran is over, and a parent waits for its child that waits for its next try", async () => {
  await using folder = await temporaryFolder();
  const dataDir = join(folder.path, "data");
  await (await startTestPrimary(dataDir)).primary.close();
  const job = {
    type: "BACKUP" as const,
    clientName: "c",
    policyName: "p",
    scheduleName: "s",
    storageUnit: "stu_local",
    owner: "me",
    request: { selections: ["/a"] },
  };
  const families = ["DONE", "REQUEUED"].map((last) => {
    using database = openDatabase({ path: join(dataDir, "primary.db"), migrations });
    const jobs = new JobStore(database);
    const parent = jobs.insert({ ...job, request: { streams: [job.request, job.request] } }, 1).id;
    const nowMs = Date.now();
    const children = ["ACTIVE", last].map((state, index) => {
      const child = jobs.insert({ ...job, parentId: parent, streamNumber: index + 1 }, 1).id;
      jobs.setStarted(child, 1, `c_${child}`);
      jobs.setState(child, { state: state as "ACTIVE", status: 0, nowMs });
      if (state === "REQUEUED") jobs.setDue(child, nowMs + 3_600_000);
      return child;
    });
    jobs.setStarted(parent, 1, null);
    jobs.setState(parent, { state: "ACTIVE", status: 0, nowMs });
    return { parent, children };
  });
  await using primary = await startTestPrimary(dataDir);
  const states = async () => {
    const jobs = families.flatMap(({ parent, children }) => [parent, ...children]);
    const shown = await Promise.all(jobs.map((id) => primary.job(id)));
    return shown.map((attributes) => `${String(attributes["state"])} ${String(attributes["status"])}`);
  };
  assert.deepEqual(await states(), ["DONE 50", "DONE 50", "DONE 0", "ACTIVE 0", "DONE 50", "REQUEUED 0"]);
  const waiting = families[1]?.parent ?? 0;
  await primary.expect(202, `POST /admin/jobs/${waiting}/cancel`);
  assert.equal((await primary.journal.jobDone(waiting)).status, 150);
  assert.deepEqual((await states()).slice(3), ["DONE 150", "DONE 50", "DONE 150"]);
});
