import assert from "node:assert/strict";
import { mkdir, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test, { after, before } from "node:test";
import { contractFilters, validatorFor } from "../testing/contract.ts";
import {
  backupTimeOf,
  clientName,
  policyBody,
  startTestPrimary,
  temporaryFolder,
  type TestPrimary,
} from "../testing/test-primary.ts";
import { observedOperations, publishedOperations } from "./published-operations.ts";
import { servicesElsewhere } from "./services-elsewhere.ts";

type Json = Record<string, unknown>;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let primary: TestPrimary;
let source = "";
let backupId = "";

before(async () => {
  folder = await temporaryFolder();
  primary = await startTestPrimary(join(folder.path, "data"));
  source = join(folder.path, "source");
  await mkdir(join(source, "sub"), { recursive: true });
  await writeFile(join(source, "a.txt"), "a".repeat(3000));
  await writeFile(join(source, "sub", "b.txt"), "b".repeat(2000));
  await primary.createPolicy("base", [source]);
  const made = await primary.backUp("base");
  assert.equal(made.status, 0);
  backupId = made.backupId ?? "";
});
after(async () => {
  await primary[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

const version = (number: string) => ({ accept: `application/vnd.netbackup+json;version=${number}` });
const messageOf = (body: unknown) => (body as { errorMessage: string }).errorMessage;
interface Item {
  id: string;
  attributes: Json;
}
const oneOf = (body: unknown) => (body as { data: Item }).data;
const listOf = (body: unknown) => (body as { data: Item[] }).data;

test("operations - what has a reason answers 501 with it, and nothing else does", async () => {
  for (const [method, path, whyNot] of [...publishedOperations, ...observedOperations]) {
    if (path.startsWith("/config/servers/wssendpoints") || path === "/user-sessions" || path === "/logout") {
      continue;
    }
    const asked = path.replace(":workload", "postgresql").replaceAll(/:\w+/g, "999999999");
    const body = method === "GET" || method === "DELETE" ? {} : { body: "{}" };
    const { status, text } = await primary.call({ method, path: asked, ...body });
    if (whyNot === undefined) assert.ok(status < 500, `${method} ${path}: ${text}`);
    else assert.deepEqual([status, text.includes(whyNot)], [501, true], `${method} ${path}: ${text}`);
  }
});

test("recovery points - of workloads that nothing here protects are refused, of others searched", async () => {
  const service = "/recovery-point-service/workloads";
  for (const workload of ["vmware", "oracle", "__proto__"]) {
    await primary.expect(501, `${service}/${workload}/recovery-points`);
    await primary.expect(501, `${service}/${workload}/recovery-points/${backupId}`);
  }
  const found = await primary.expect(200, `${service}/mysql/recovery-points?page[limit]=100`);
  assert.deepEqual(listOf(found.body), []);
  // An image of files is none.
  await primary.expect(404, `${service}/postgresql/recovery-points/${backupId}`);
  await primary.expect(400, `${service}/postgresql/recovery-points?filter=nonsense`);
});

test("operations - whole services that mean nothing here answer 501 with the reason, what NetBackup removed 410", async () => {
  for (const [prefix, why] of servicesElsewhere) {
    for (const [method, path] of [
      ["GET", `${prefix}/x/y`],
      ["POST", prefix],
    ] as const) {
      if (publishedOperations.some(([, known]) => known.startsWith(path))) continue;
      const answer = await primary.expect(501, `${method} ${path}`, method === "POST" ? { body: {} } : {});
      assert.equal(messageOf(answer.body), why);
    }
  }
  await primary.expect(410, "/assets?filter=workloadType+eq+'VMware'");
  await primary.expect(404, "/assetsx");
});

test("filters - every field and operator that NetBackup publishes for a list is understood", async () => {
  const values = ["'x'", "1", "2026-01-01T00:00:00Z", "true", "PT5M46S"];
  const skipped = /^\/storage\/|provider-protected/;
  let asked = 0;
  for (const { path, field, operators } of contractFilters) {
    if (skipped.test(path) || path === "/catalog/image-contents") continue;
    const place = path.replace("{workload}", "postgresql");
    for (const operator of operators) {
      asked += 1;
      const filters = values.map((value) =>
        /^(contains|startswith|endswith)$/.test(operator)
          ? `${operator}(${field},'x')`
          : `${field} ${operator} ${value}`,
      );
      const statuses: number[] = [];
      for (const filter of filters) {
        const { status } = await primary.call({ path: `${place}?filter=${encodeURIComponent(filter)}` });
        statuses.push(status);
        if (status === 200) break;
      }
      assert.ok(statuses.includes(200), `${path}: ${field} ${operator}: ${statuses.join(" ")}`);
    }
  }
  assert.ok(asked > 200, `${asked} filters`);
  const contents = [
    `path eq '${source}'`,
    `startswith(path,'${source}')`,
    `startswith(fullPath,'${source}/su')`,
    "workloadType eq NONE",
    "policyType eq STANDARD",
    "appType eq NONE",
    "scheduleType eq FULL",
    "itemType eq FILE",
    `destinationClient eq '${clientName}'`,
    "keyword eq ''",
    "isTrueImage eq false",
    "isOptimized eq false",
    "isImpacted eq false",
    "backupTime ge 2001-01-01T00:00:00Z",
  ];
  for (const filter of contents) {
    const whole = encodeURIComponent(`clientName eq '${clientName}' and ${filter}`);
    await primary.expect(200, `/catalog/image-contents?filter=${whole}`);
  }
  const deep = encodeURIComponent(`clientName eq '${clientName}' and startswith(fullPath,'${source}/s')`);
  const found = await primary.expect(200, `/catalog/image-contents?filter=${deep}`);
  assert.deepEqual(
    listOf(found.body).map(({ attributes }) => attributes["name"]),
    ["b.txt", "sub"],
  );
});

test("jobs - a restore tells its images and can be found by them; its log is told as NetBackup tells it", async () => {
  const restored = await primary.restore({
    backupId,
    paths: [join(source, "a.txt")],
    renames: [{ from: source, to: join(folder.path, "out") }],
  });
  assert.equal(restored.status, 0);
  assert.equal((await primary.job(restored.jobId))["restoreBackupIDs"], backupId);
  const found = await primary.expect(200, `/admin/jobs?filter=restoreBackupIDs+eq+'${backupId}'`);
  assert.deepEqual(
    listOf(found.body).map(({ id }) => id),
    [String(restored.jobId)],
  );
  const log = await primary.expect(200, `/recovery/restore-log/${restored.jobId}`);
  assert.match((oneOf(log.body).attributes["contents"] as string[]).join("\n"), /status 0/);
  await primary.expect(404, "/recovery/restore-log/1");
  await primary.expect(404, "/recovery/restore-log/x");
});

test("jobs - many get another priority and lines in their logs in one request; nothing else of a job can be set", async () => {
  const slow = join(folder.path, "slow");
  await writeFile(slow, "");
  await truncate(slow, 400 * 1024 ** 3);
  await primary.createPolicy("slow", [slow]);
  const id = await primary.startBackup("slow");
  await primary.event("job.progress", id);
  const line = {
    timestamp: "2026-01-01T00:00:00Z",
    severity: "WARNING",
    program: "tar",
    pid: 7,
    message: "odd",
  };
  const change = (job: string, jobUpdateData: object) => ({
    type: "jobRequest",
    id: job,
    attributes: { jobUpdateData },
  });
  const data = [
    change(String(id), { priority: 77, tryLogList: { data: [line] } }),
    change("999999", { priority: 1 }),
    change("1", { priority: 1 }),
    change(String(id), { state: "DONE", status: 0, priority: 5 }),
  ];
  const bulk = "/admin/bulk-job-requests";
  const accepted = await primary.expect(202, `PATCH ${bulk}`, { body: { data } });
  const place = String(accepted.headers["location"]).replace("/netbackup", "");
  const told = await primary.expect(207, place);
  const results = (told.body as { meta: { bulkResourceStatus: { httpStatus: number }[] } }).meta;
  assert.deepEqual(
    results.bulkResourceStatus.map(({ httpStatus }) => httpStatus),
    [204, 404, 409, 501],
  );
  const job = await primary.job(id);
  assert.deepEqual([job["priority"], job["state"]], [77, "ACTIVE"]);
  assert.match(await primary.log(id), /tar \(pid=7\) odd/);
  await primary.expect(207, `DELETE ${place}`);
  await primary.expect(404, place);
  const whole = await primary.expect(202, `PATCH ${bulk}`, {
    body: { data: [change(String(id), { priority: 3 })] },
  });
  await primary.expect(200, String(whole.headers["location"]).replace("/netbackup", ""));
  await primary.expect(400, `PATCH ${bulk}`, { body: { data: [] } });
  const many = Array.from({ length: 1025 }, () => change("1", { priority: 1 }));
  await primary.expect(413, `PATCH ${bulk}`, { body: { data: many } });
  await primary.expect(415, `PATCH ${bulk}`, { body: "{}", headers: { "content-type": "text/plain" } });
  await primary.expect(202, `POST /admin/jobs/${id}/cancel`);
  assert.equal((await primary.journal.jobDone(id)).status, 150);
});

test("images - the size of a selection is counted in the image", async () => {
  const size = (fileList: unknown[], recoveryPoint: object = { backupId }) => ({
    body: {
      data: { type: "imageContentsTotalSizeInfoRequest", attributes: { recoveryPoint, fileList } },
    },
  });
  const path = "POST /catalog/image-contents-size";
  const whole = await primary.expect(200, path, size([`${source}/`, join(source, "a.txt")]));
  assert.deepEqual(oneOf(whole.body).attributes, {
    sizeKB: 5,
    numFiles: 2,
    numDirs: 2,
  });
  const one = await primary.expect(200, path, size([{ path: join(source, "a.txt") }, "/nowhere"]));
  assert.deepEqual(oneOf(one.body).attributes, { sizeKB: 3, numFiles: 1, numDirs: 0 });
  await primary.expect(404, path, size(["/"], { backupId: "nobody_1" }));
  await primary.expect(501, path, size(["/"], { client: clientName, filter: "x" }));
  await primary.expect(400, path, size(["../etc"]));
  await primary.expect(400, path, size([]));
});

test("policies - clients of all of them are told once, and found by the types of their policies", async () => {
  const other = policyBody("Other.one", ["/a"]);
  other.data.attributes.policy.clients[0]!.hostName = clientName.toUpperCase();
  await primary.expect(204, "POST /config/policies", { body: other });
  const ask = async (filter: string) => {
    const answer = await primary.expect(
      200,
      `/config/unique-policy-clients?page[limit]=5000&filter=${encodeURIComponent(filter)}`,
    );
    return listOf(answer.body);
  };
  const [client, ...more] = await ask("");
  assert.deepEqual(more, []);
  assert.equal(client?.id.toLowerCase(), clientName.toLowerCase());
  assert.deepEqual(client?.attributes["policyTypes"], ["STANDARD"]);
  assert.ok(((client?.attributes["policyNames"] ?? []) as string[]).includes("Other.one"));
  assert.equal((await ask("policyTypes/any(p:p eq 'Standard')")).length, 1);
  assert.equal((await ask("policyTypes/any(p: p eq 'STANDARD') and contains(id,'')")).length, 1);
  assert.deepEqual(await ask("policyTypes/any(p:p eq 'MS-WINDOWS')"), []);
  assert.equal((await ask("policyNames/any(n:n eq 'other.ONE')")).length, 1);
  for (const bad of [
    "policyTypes eq 'x'",
    "policyTypes/any(p:q eq 'x')",
    "policyTypes/any(p eq 'x')",
    "policyTypes/any(p:p ne 'x')",
    "policyTypes/any(p:p eq 'x'",
    "policyTypes/all(p:p eq 'x')",
    "id/any(p:p eq 'x')",
  ]) {
    const { status } = await primary.call({
      path: `/config/unique-policy-clients?filter=${encodeURIComponent(bad)}`,
    });
    assert.equal(status, 400, bad);
  }
});

test("policies - are taken and shown through the generic schema, too", async () => {
  const { policy } = policyBody("generic", ["/a"]).data.attributes;
  const headers = { "x-netbackup-policy-use-generic-schema": "true" };
  for (const [name, members] of Object.entries({ policyGeneric: {}, policyStandard: {}, policy: {} })) {
    const given = { ...policy, policyName: name, excludeSelections: { selections: [] }, ...members };
    const body = { data: { type: "policy", id: name, attributes: { [name]: given } } };
    await primary.expect(204, "POST /config/policies", { body, headers });
    const shown = await primary.expect(200, `/config/policies/${name}`, { headers });
    const shownPolicy = oneOf(shown.body).attributes["policy"];
    for (const schema of ["policyGeneric", "policyStandard"]) {
      const validate = validatorFor("netbackup-openapi/policies", ["components", "schemas", schema]);
      assert.ok(validate(shownPolicy), JSON.stringify(validate.errors));
    }
  }
  const excluding = { ...policy, policyName: "x", excludeSelections: { selections: ["*.log"] } };
  const body = { data: { type: "policy", id: "x", attributes: { policyGeneric: excluding } } };
  const refused = await primary.expect(400, "POST /config/policies", { body, headers });
  assert.match(messageOf(refused.body), /configurations\/Exclude/);
  const none = { data: { type: "policy", id: "x", attributes: { policyWindows: policy } } };
  await primary.expect(400, "POST /config/policies", { body: none, headers });
});

test("access - logins are told apart from the rest of the audit; what runs is told without a token", async () => {
  await primary.expect(204, "DELETE /config/policies/Other.one");
  const logins = await primary.expect(200, "/security/logindetails?page[limit]=100");
  const messages = listOf(logins.body);
  assert.ok(messages.length > 0 && messages.every(({ attributes }) => attributes["category"] === "LOGIN"));
  const apps = await primary.expect(200, "/appdetails", { headers: { authorization: "" } });
  assert.ok(Array.isArray(apps.body));
});

test("versions - every answer of every version from 1.0 to 14.0 is as that version has it", async () => {
  const id = (await primary.backUp("base")).jobId;
  for (let major = 1; major <= 14; major += 1) {
    const headers = version(`${major}.0`);
    const ask = (path: string) => primary.expect(200, path, { headers });
    const list = await ask("/admin/jobs?page[limit]=1");
    const { data, meta } = list.body as {
      data: { attributes: Json; meta?: object }[];
      meta: { pagination: Json };
    };
    assert.equal(list.headers["content-type"], headers.accept);
    const isCursor = typeof meta.pagination["next"] === "string";
    assert.deepEqual(
      [
        isCursor,
        data[0]?.meta !== undefined,
        "count" in meta.pagination,
        "initiatorId" in (data[0]?.attributes ?? {}),
      ],
      major >= 9 ? [true, true, false, false] : [false, false, true, true],
      `version ${major}`,
    );
    for (const path of [
      `/admin/jobs/${id}`,
      `/admin/jobs/${id}/try-logs`,
      `/admin/jobs/${id}/try-logs/1`,
      `/admin/jobs/${id}/progress-logs`,
      `/admin/jobs/${id}/file-lists`,
      "/catalog/images",
      `/catalog/images/${backupId}`,
      "/config/policies",
      "/config/policies/base",
      "/config/hosts",
      "/security/cacert",
      "/manage/alerts",
      "/storage/storage-units",
    ]) {
      await ask(path);
    }
    await primary.expect(404, "/admin/jobs/999999", { headers });
    await primary.expect(400, "/admin/jobs?filter=x", { headers });
  }
  const empty = await primary.expect(200, "/admin/jobs?page[limit]=0");
  assert.deepEqual(listOf(empty.body), []);
  for (const refused of ["15.0", "14.1", "0.9", "0.0", "x", "99999.0"]) {
    await primary.expect(406, "/admin/jobs", { headers: version(refused) });
  }
  assert.equal(backupTimeOf(backupId).endsWith(".000Z"), true);
});

test("methods - HEAD is GET without a body, whatever has no such method says which there are", async () => {
  for (const path of ["/ping", "/tokenkey", "/admin/jobs", "/config/policies/base", "/security/cacert"]) {
    const shown = await primary.expect(200, path);
    const head = await primary.expect(200, `HEAD ${path}`);
    assert.equal(head.text, "");
    assert.equal(head.headers["content-type"], shown.headers["content-type"]);
    assert.equal(head.headers["etag"], shown.headers["etag"]);
    for (const method of ["OPTIONS", "PUT", "TRACE", "PROPFIND"]) {
      if (method === "PUT" && path.startsWith("/config/policies/")) continue;
      const refused = await primary.expect(405, `${method} ${path}`);
      assert.match(String(refused.headers["allow"]), /GET/, `${method} ${path}`);
    }
  }
  await primary.expect(404, "HEAD /admin/jobs/999999");
  await primary.expect(401, "HEAD /admin/jobs", { headers: { authorization: "" } });
  await primary.expect(404, "OPTIONS /nowhere");
});
