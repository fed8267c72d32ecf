import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test, { after, before } from "node:test";
import { clientName, startTestPrimary, temporaryFolder, type TestPrimary } from "../testing/test-primary.ts";

type Json = Record<string, unknown>;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let primary: TestPrimary;
let source = "";

before(async () => {
  folder = await temporaryFolder();
  primary = await startTestPrimary(join(folder.path, "data"));
  source = join(folder.path, "source");
  await mkdir(join(source, "sub"), { recursive: true });
  await writeFile(join(source, "a.txt"), "a".repeat(3 * 1024 * 1024));
  await writeFile(join(source, "b.log"), "b");
  await writeFile(join(source, "sub", "deep.txt"), "deep");
  await primary.createPolicy("base", [source]);
});
after(async () => {
  await primary[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

async function hostId(): Promise<string> {
  const { hosts } = (await primary.expect(200, "/config/hosts/")).body as { hosts: { uuid: string }[] };
  return hosts[0]?.uuid ?? "";
}
const contents = async (filter: string, more = "") => {
  const answer = await primary.expect(
    200,
    `/catalog/image-contents?filter=${encodeURIComponent(filter)}${more}`,
  );
  return (answer.body as { data: { attributes: Json }[] }).data.map(({ attributes }) => attributes);
};

test("hosts - this machine is told, found by its name, and under the same id after a restart", async () => {
  const id = await hostId();
  assert.match(id, /^[0-9a-f]{8}-/);
  await primary.expect(200, `/config/hosts/${id}`);
  await primary.expect(404, "/config/hosts/x");
  const byName = await primary.expect(200, `/config/hosts?filter=hostName+eq+'${clientName}'`);
  assert.equal((byName.body as { hosts: unknown[] }).hosts.length, 1);
  assert.deepEqual((await primary.expect(200, "/config/hosts?filter=hostName+eq+'x'")).body, { hosts: [] });
});

test("hosts - the exclude list keeps files out of backups", async () => {
  const lists = `/config/hosts/${await hostId()}/configurations`;
  const list = (...value: string[]) => ({
    body: { data: { type: "hostConfiguration", id: "Exclude", attributes: { value } } },
  });
  await primary.expect(404, `${lists}/exclude`);
  await primary.expect(404, `PUT ${lists}/Exclude`, list("*.log"));
  await primary.expect(204, `POST ${lists}`, list("*.log"));
  await primary.expect(409, `POST ${lists}`, list("*.log"));
  await primary.expect(204, `PUT ${lists}/Exclude`, list("*.log", join(source, "sub")));
  await primary.expect(400, `PUT ${lists}/Exclude`, list(""));
  await primary.expect(400, `PUT ${lists}/Exclude`, list("!x"));
  await primary.expect(501, `${lists}/BPCD_PORT`);
  assert.match((await primary.expect(200, `${lists}/exclude`)).text, /\*\.log/);
  const made = await primary.backUp("base");
  assert.equal(made.status, 0);
  const names = (await contents(`clientName eq '${clientName}' and path eq '${source}'`)).map(
    (entry) => entry["name"],
  );
  assert.deepEqual(names, ["a.txt"]);
  await primary.expect(204, `DELETE ${lists}/Exclude`);
  await primary.expect(404, `DELETE ${lists}/Exclude`);
});

test("image contents - a folder is looked into across images, by name and kind", async () => {
  assert.equal((await primary.backUp("base")).status, 0);
  const client = `clientName eq '${clientName}'`;
  const all = await contents(`${client} and path eq '${source}/'`);
  assert.deepEqual(
    all.map((entry) => entry["name"]),
    ["a.txt", "a.txt", "b.log", "sub"],
  );
  assert.deepEqual(
    all.map((entry) => entry["itemType"]),
    ["FILE", "FILE", "FILE", "DIR"],
  );
  assert.equal(all[0]?.["size"], 3 * 1024 * 1024);
  const logs = await contents(`${client} and path eq '${source}' and contains(name,'.lo')`);
  assert.deepEqual(
    logs.map((entry) => entry["fullPath"]),
    [join(source, "b.log")],
  );
  const folders = await contents(`${client} and path eq '${source}' and itemType eq DIR`);
  assert.deepEqual(
    folders.map((entry) => entry["name"]),
    ["sub"],
  );
  assert.equal(
    (await contents(`${client} and path eq '${source}'`, "&page[limit]=1&page[offset]=3&sort=-name")).length,
    1,
  );
  assert.deepEqual(await contents(`${client} and path eq '/nowhere'`), []);
  assert.deepEqual(
    await contents(`${client} and path eq '${source}' and backupTime le 2001-01-01T00:00:00Z`),
    [],
  );
  for (const bad of [
    "",
    "path eq '/'",
    `${client} and path eq 'x'`,
    `${client} and contains(path,'x')`,
    `${client} and path eq '/a/../b'`,
  ]) {
    await primary.expect(400, `/catalog/image-contents?filter=${encodeURIComponent(bad)}`);
  }
});

test("alerts - tell of jobs that failed, and nothing of those that did not", async () => {
  await primary.createPolicy("failing", [join(folder.path, "missing")]);
  const { jobId, status } = await primary.backUp("failing");
  assert.equal(status, 71);
  const answer = await primary.expect(200, "/manage/alerts?filter=severity+eq+'ERROR'&sort=-createdDateTime");
  const { data } = answer.body as { data: { id: string; attributes: Json }[] };
  assert.deepEqual(
    data.map(({ id }) => id),
    [String(jobId)],
  );
  assert.match(String(data[0]?.attributes["description"]), /none of the files in the file list exist/);
  await primary.expect(200, `/manage/alerts/${jobId}`);
  await primary.expect(404, "/manage/alerts/999999");
  assert.deepEqual(
    ((await primary.expect(200, "/manage/alerts?filter=severity+eq+'WARNING'")).body as { data: [] }).data,
    [],
  );
});

test("licensing - capacity is the largest full backup of each client and policy", async () => {
  const answer = await primary.expect(200, "/licensing/capacity");
  const { data } = answer.body as {
    data: { attributes: { masterConsumptionMB: number; clientDetails: unknown[] } }[];
  };
  const [all] = data;
  assert.ok(
    all !== undefined && all.attributes.masterConsumptionMB >= 3 && all.attributes.masterConsumptionMB < 4,
  );
  assert.equal(all.attributes.clientDetails.length, 1);
  assert.deepEqual(
    (await primary.expect(200, "/licensing/capacity/client-details")).body,
    all.attributes.clientDetails,
  );
});
