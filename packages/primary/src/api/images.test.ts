import assert from "node:assert/strict";
import { chmod, mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test, { after, before } from "node:test";
import { limits } from "../limits.ts";
import {
  multipart,
  startTestPrimary,
  temporaryFolder,
  type Answer,
  type TestPrimary,
} from "../testing/test-primary.ts";

type Json = Record<string, unknown>;
interface Contents {
  data: { attributes: { filePath: string; fileSize: number; pathMode: number } }[];
  meta: { pagination: Json };
  links: { next: { href: string } };
}
const files = 130;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let primary: TestPrimary;
let backupId = "";

before(async () => {
  folder = await temporaryFolder();
  primary = await startTestPrimary(join(folder.path, "data"));
  const source = join(folder.path, "source");
  await mkdir(join(source, "below"), { recursive: true });
  for (let at = 0; at < files; at += 1) await writeFile(join(source, "below", `f${at}`), "x".repeat(at));
  await symlink("f1", join(source, "link"));
  await primary.createPolicy("base", [source]);
  const made = await primary.backUp("base");
  assert.equal(made.status, 0);
  backupId = made.backupId ?? "";
});
after(async () => {
  await primary[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

async function openContents(limit: number): Promise<string> {
  const answer = await primary.expect(202, `/catalog/images/${backupId}/contents?page[limit]=${limit}`);
  const { requestId } = answer.body as { requestId: string };
  return `/catalog/images/contents/${requestId}`;
}

test("image contents - are read page by page under one id, each entry once, then the id is gone", async () => {
  const path = await openContents(51);
  const seen: string[] = [];
  const sizes: number[] = [];
  for (;;) {
    const answer: Answer = await primary.call({ path });
    if (answer.status === 404) break;
    const { data, meta, links } = answer.body as Contents;
    assert.equal(meta.pagination["limit"], 100, "rounded up to a multiple of 50");
    assert.equal(meta.pagination["offset"], seen.length);
    assert.ok(links.next.href.endsWith(path));
    seen.push(...data.map(({ attributes }) => attributes.filePath));
    sizes.push(data.length);
  }
  assert.equal(new Set(seen).size, seen.length);
  const source = join(folder.path, "source");
  const parents = source.split("/").length - 1;
  assert.equal(seen.length, files + 2 + parents, "files, link, folder, and the folders above");
  assert.equal(sizes[0], 100);
  for (const path of [`${source}/below/f129`, `${source}/below/`, `${source}/link`])
    assert.ok(seen.includes(path), path);
});

test("image contents - a reading can be ended, and only so many are open at once", async () => {
  const paths: string[] = [];
  while (paths.length < limits.maxContentRequests) paths.push(await openContents(50));
  await primary.expect(503, `/catalog/images/${backupId}/contents`);
  const [first = "", ...rest] = paths;
  await primary.expect(200, first);
  for (const path of [first, ...rest]) await primary.expect(204, `DELETE ${path}`);
  await primary.expect(404, `DELETE ${first}`);
  await primary.expect(404, first);
  await primary.expect(404, "/catalog/images/nobody_1/contents");
  await primary.expect(400, `/catalog/images/${backupId}/contents?page[limit]=10001`);
});

const selected = (...ids: unknown[]) => multipart({ selectionsFile: ids });

test("verify - reads every byte of an image, and fails when the storage has lost one", async () => {
  const path = "POST /catalog/verify-images";
  const options = { data: { type: "imageVerificationRequest", attributes: { sourceCopy: 1 } } };
  const verify = async () => {
    const form = multipart({ verifyImageRequestOptions: options, selectionsFile: [backupId] });
    const answer = await primary.expect(202, path, form);
    const id = Number(String(answer.headers["location"]).split("/").at(-1));
    return primary.journal.jobDone(id);
  };
  const good = await verify();
  assert.deepEqual([good.jobType, good.status], ["VERIFY", 0], await primary.log(good.jobId));
  assert.match(await primary.log(good.jobId), /all data was read/);
  await primary.expect(400, path, selected("nobody_1"));
  await primary.expect(400, path, selected());
  await primary.expect(415, path, { body: "{}" });

  const data = join(folder.path, "data", "storage", "stu_local", "repository", "data");
  const packs = (await readdir(data, { recursive: true, withFileTypes: true })).filter((entry) =>
    entry.isFile(),
  );
  const intact = await Promise.all(
    packs.map(
      async (pack) =>
        [join(pack.parentPath, pack.name), await readFile(join(pack.parentPath, pack.name))] as const,
    ),
  );
  for (const [name, bytes] of intact) {
    const broken = Buffer.from(bytes);
    broken.fill(0, 0, Math.min(64, broken.length));
    await chmod(name, 0o600);
    await writeFile(name, broken);
  }
  const bad = await verify();
  assert.equal(bad.status, 191, await primary.log(bad.jobId));
  for (const [name, bytes] of intact) await writeFile(name, bytes);
  assert.equal((await verify()).status, 0);
});

test("worm - an immutable image can't be expired before its time, however it is asked, and can afterwards", async () => {
  await using other = await temporaryFolder();
  const clock = { now: Date.now(), nowMs: () => clock.now };
  await using locked = await startTestPrimary(join(other.path, "data"), { clock });
  const source = join(other.path, "file");
  await writeFile(source, "precious");
  const unit = "/storage/storage-units/stu_local";
  const set = {
    body: { data: { type: "storageUnit", attributes: { useWorm: true, maxConcurrentJobs: 3 } } },
  };
  const changed = await locked.expect(200, `PATCH ${unit}`, set);
  assert.match(changed.text, /"maxConcurrentJobs":3.*"useWorm":true/);
  await locked.createPolicy("p", [source]);
  const retentionPeriod = { value: 1, unit: "DAYS" };
  const schedule = {
    data: {
      type: "schedule",
      id: "full",
      attributes: {
        backupType: "Full Backup",
        backupCopies: { priority: -1, copies: [{ retentionPeriod }] },
      },
    },
  };
  await locked.expect(204, "PUT /config/policies/p/schedules/full", { body: schedule });
  const { backupId: id = "" } = await locked.backUp("p");
  const expire = (date: string) => ({
    body: { data: { type: "byBackupId", attributes: { backupId: id, date } } },
  });
  const update = "POST /catalog/images/update-expiration-date";
  const refused = await locked.expect(400, update, expire("1970-01-01T00:00:00.000Z"));
  assert.match(refused.text, /immutable until/);
  await locked.expect(400, update, expire(new Date(clock.now + 3_600_000).toISOString()));
  const nested = {
    data: {
      type: "byBackupId",
      attributes: { byBackupId: { backupId: id, date: "1970-01-01T00:00:00.000Z" } },
    },
  };
  await locked.expect(400, update, { body: nested });
  await locked.expect(400, "POST /catalog/expire-images", selected({ backupId: id, copyNumber: 1 }));
  await locked.expect(204, update, expire("2999-01-01T00:00:00.000Z"));
  assert.match((await locked.expect(200, `/catalog/images/${id}`)).text, /"wormFlags":1/);
  // Turning it off for new images frees none that there is.
  await locked.expect(200, `PATCH ${unit}`, {
    body: { data: { type: "storageUnit", attributes: { useWorm: false } } },
  });
  await locked.expect(400, "POST /catalog/expire-images", selected(id));
  clock.now += 86_400_000 + 60_000;
  await locked.logIn();
  await locked.expect(204, "POST /catalog/expire-images", selected(id));
  await locked.journal.imageDeleted(id);
});

test("storage - unit, pool and server are told with their space", async () => {
  const units = await primary.expect(200, "/storage/storage-units/?filter=name+eq+'stu_local'");
  assert.match(units.text, /"totalCapacityBytes":[1-9]/);
  assert.match((await primary.expect(200, "/storage/storage-units?filter=name+eq+'x'")).text, /"data":\[\]/);
  await primary.expect(404, "/storage/storage-units/x");
  await primary.expect(200, "/storage/storage-units/stu_local");
  await primary.expect(200, "/storage/disk-pools");
  await primary.expect(200, "/storage/storage-servers");
  const bad = { body: { data: { type: "storageUnit", attributes: { maxConcurrentJobs: 0 } } } };
  await primary.expect(400, "PATCH /storage/storage-units/stu_local", bad);
  await primary.expect(400, "POST /storage/storage-units", { body: "{}" });
});
