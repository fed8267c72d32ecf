import assert from "node:assert/strict";
import { truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test, { after, before } from "node:test";
import { observedOperations, publishedOperations } from "./published-operations.ts";
import { contractOperations, observedContract, operationOf, validatorFor } from "../testing/contract.ts";
import {
  backupTimeOf,
  clientName,
  credentials,
  multipart,
  policyBody,
  recoverPath,
  recoveryRequest,
  startTestPrimary,
  temporaryFolder,
  type Call,
  type TestPrimary,
} from "../testing/test-primary.ts";

type Json = Record<string, unknown>;

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let primary: TestPrimary;
let backupId = "";
let jobId = 0;

before(async () => {
  folder = await temporaryFolder();
  primary = await startTestPrimary(join(folder.path, "data"));
  await writeFile(join(folder.path, "file"), "content");
  await primary.createPolicy("base", [join(folder.path, "file")]);
  const made = await primary.backUp("base");
  assert.equal(made.status, 0);
  backupId = made.backupId ?? "";
  jobId = made.jobId;
});

after(async () => {
  await primary[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

/** Makes a call to a published operation, whose answer is compared with its document, and expects a status. */
async function check(operation: string, call: Call, expected: number) {
  const [method = "", template = ""] = operation.split(" ");
  assert.equal(operationOf(method, call.path)?.template, template);
  const answer = await primary.call({ method, ...call });
  assert.equal(answer.status, expected, answer.text);
  return answer;
}

const tooNew = { accept: "application/vnd.netbackup+json;version=15.0" };
const badType = { "content-type": "text/plain" };
const noToken = { authorization: "nonsense" };

const login = "POST /login";
test("contract - POST /login", async () => {
  const answer = await check(login, { path: "/login", body: credentials }, 201);
  assert.equal((answer.body as Json)["tokenType"], "BEARER");
  const [cookie = ""] = answer.headers["set-cookie"] as string[];
  assert.match(cookie, /^Authorization=.*HttpOnly.*Secure/);
  const plain = { "content-type": "application/json" };
  await check(login, { path: "/login/", body: { ...credentials, domainType: "nt" }, headers: plain }, 201);
  const empty = { ...credentials, domainType: "", domainName: "" };
  await check(login, { path: "//login", body: empty }, 201);
  await check(login, { path: "/login", body: { ...credentials, password: "wrong" } }, 401);
  await check(login, { path: "/login", body: { userName: "nobody", password: "x" } }, 401);
  await check(login, { path: "/login", body: { userName: "x" } }, 400);
  await check(login, { path: "/login", body: "{" }, 400);
  await check(login, { path: "/login", body: credentials, headers: badType }, 415);
  await check(login, { path: "/login", body: credentials, headers: tooNew }, 406);
});

test("contract - POST /logout ends the session at once, in every form of authorization", async () => {
  const token = async () => {
    const answer = await primary.call({ method: "POST", path: "/login", body: credentials });
    return (answer.body as { token: string }).token;
  };
  const forms = [
    (text: string) => ({ authorization: text }),
    (text: string) => ({ authorization: `Bearer ${text}` }),
    (text: string) => ({ authorization: "", cookie: `Authorization=${text}` }),
  ];
  for (const form of forms.slice(0, 2)) {
    const headers = form(await token());
    await check("POST /logout", { path: "/logout", headers }, 200);
    await check("POST /logout", { path: "/logout", headers }, 401);
  }
  const saved = primary.token;
  primary.token = "";
  try {
    const headers = { cookie: `Authorization=${await token()}` };
    await check("POST /logout", { path: "/logout", headers }, 200);
    await check("POST /logout", { path: "/logout", headers }, 401);
    await check("POST /logout", { path: "/logout" }, 401);
  } finally {
    primary.token = saved;
  }
});

test("contract - GET /ping and /tokenkey need no token", async () => {
  const headers = { authorization: "nonsense" };
  const ping = await check("GET /ping", { path: "/ping", headers }, 200);
  assert.match(ping.text, /^\d{13}$/);
  assert.equal(ping.headers["x-netbackup-api-version"], "14.0");
  const key = await check("GET /tokenkey", { path: "/tokenkey", headers }, 200);
  assert.match(key.text, /BEGIN PUBLIC KEY/);
  await check("GET /ping", { path: "/ping", headers: tooNew }, 406);
});

const create = "POST /config/policies/";
test("contract - policies", async () => {
  const path = "/config/policies/";
  const made = await check(create, { path, body: policyBody("P.1+x", ["/nowhere"]) }, 204);
  assert.equal(made.headers["etag"], "1");
  assert.equal(made.headers["location"], "/netbackup/config/policies/P.1%2Bx");
  await check(create, { path, body: policyBody("P.1+x", []) }, 409);
  const minimal = {
    data: { type: "policy", attributes: { policy: { policyName: "min", policyType: "Standard" } } },
  };
  await check(create, { path, body: minimal }, 204);
  for (const bad of ["relative", "/a/../b", "/a\0b", ""]) {
    await check(create, { path, body: policyBody("bad", [bad]) }, 400);
  }
  await check(create, { path, body: policyBody("a b", ["/a"]) }, 400);
  await check(create, { path, body: policyBody("-rf", ["/a"]) }, 400);
  const foreign = JSON.stringify(policyBody("foreign", ["/a"])).replaceAll(clientName, "other.example");
  await check(create, { path, body: foreign }, 400);
  const stored = JSON.stringify(policyBody("stored", ["/a"])).replace('"storage":null', '"storage":"stu9"');
  await check(create, { path, body: stored }, 400);
  const vmware = JSON.stringify(policyBody("vm", ["/a"])).replace('"Standard"', '"VMware"');
  await check(create, { path, body: vmware }, 501);
  await check(create, { path, body: {}, headers: badType }, 415);
  await check(create, { path, body: {}, headers: noToken }, 401);

  const get = "GET /config/policies/{policyName}";
  const found = await check(get, { path: "/config/policies/P.1%2Bx" }, 200);
  assert.equal(found.headers["etag"], "1");
  const { data } = found.body as { data: { attributes: { policy: Json } } };
  const validate = validatorFor("netbackup-openapi/policies", ["components", "schemas", "policyStandard"]);
  assert.ok(validate(data.attributes.policy), JSON.stringify(validate.errors));
  assert.deepEqual(data.attributes.policy["backupSelections"], { selections: ["/nowhere"] });
  await check(get, { path: "/config/policies/missing" }, 404);
  await check(get, { path: "/config/policies/base", headers: tooNew }, 406);
  await check(get, { path: "/config/policies/base", headers: noToken }, 401);

  const list = "GET /config/policies/";
  const page = await check(list, { path: "/config/policies?page%5Blimit%5D=1&page[offset]=1" }, 200);
  const { meta } = page.body as { meta: { pagination: Json } };
  assert.equal(meta.pagination["count"], 3);
  assert.equal(meta.pagination["next"], 2);
  await check(list, { path, headers: noToken }, 401);

  const remove = "DELETE /config/policies/{policyName}";
  const changed = await primary.call({
    method: "DELETE",
    path: "/config/policies/min",
    headers: { "if-match": "7" },
  });
  assert.equal(changed.status, 412);
  await check(remove, { path: "/config/policies/min", headers: { "if-match": '"1"' } }, 204);
  await check(remove, { path: "/config/policies/min" }, 404);
  await check(remove, { path: "/config/policies/P.1+x", headers: { "if-match": "" } }, 204);
});

const manual = "POST /admin/manual-backup";
test("contract - manual backup", async () => {
  const path = "/admin/manual-backup/";
  const ask = (attributes: object) => ({ data: { type: "backupRequest", attributes } });
  const answer = await check(
    manual,
    { path, body: ask({ policyName: "base", scheduleName: "full", clientName }) },
    202,
  );
  const { data } = answer.body as { data: { id: string; attributes: { jobId: number } }[] };
  assert.equal(data.length, 1);
  await primary.journal.jobDone(Number(data[0]?.id));
  await check(manual, { path, body: ask({ policyName: "missing" }) }, 400);
  await check(manual, { path, body: ask({ policyName: "base", scheduleName: "missing" }) }, 400);
  await check(manual, { path, body: ask({ policyName: "base", clientName: "missing" }) }, 400);
  await check(manual, { path, body: ask({}) }, 400);
  await check(manual, { path, body: "{}", headers: badType }, 415);
  await check(manual, { path, body: "{}", headers: noToken }, 401);
});

test("contract - jobs", async () => {
  const list = "GET /admin/jobs";
  const get = "GET /admin/jobs/{jobId}";
  const all = await check(list, { path: "/admin/jobs/" }, 200);
  assert.ok((all.body as { data: unknown[] }).data.length >= 1);
  const one = await check(get, { path: `/admin/jobs/${jobId}` }, 200);
  const { attributes } = (one.body as { data: { attributes: Json } }).data;
  assert.equal(attributes["state"], "DONE");
  assert.equal(attributes["parentJobId"], 0);
  assert.match(String(attributes["elapsedTime"]), /^PT/);
  const filters: [filter: string, isFound: boolean][] = [
    [`jobId eq ${jobId}`, true],
    [`jobId eq ${jobId} and state eq 'DONE'`, true],
    [`policyName eq 'base' and clientName eq '${clientName}' and backupId eq '${backupId}'`, true],
    ["state eq ACTIVE", false],
    ["policyName eq 'other'", false],
  ];
  for (const [filter, isFound] of filters) {
    const answer = await check(list, { path: `/admin/jobs?filter=${encodeURIComponent(filter)}` }, 200);
    assert.equal((answer.body as { data: unknown[] }).data.length > 0, isFound, filter);
  }
  await check(list, { path: "/admin/jobs?filter=contains(policyName,'x')" }, 200);
  await check(list, { path: "/admin/jobs?filter=contains(policyName,'x'" }, 400);
  await check(list, { path: "/admin/jobs?page[limit]=101" }, 400);
  await check(list, { path: "/admin/jobs?sort=kilobytes" }, 400);
  await check(list, { path: "/admin/jobs", headers: tooNew }, 406);
  await check(list, { path: "/admin/jobs", method: "GET", headers: tooNew }, 406);
  await check(get, { path: "/admin/jobs/999999" }, 404);
  await check(get, { path: "/admin/jobs/x" }, 404);
  await check(get, { path: `/admin/jobs/${jobId}`, headers: noToken }, 401);
  const logs = await check(
    "GET /admin/jobs/{jobId}/try-logs",
    { path: `/admin/jobs/${jobId}/try-logs` },
    200,
  );
  assert.match(logs.text, /status 0/);
  await check("GET /admin/jobs/{jobId}/try-logs", { path: "/admin/jobs/999999/try-logs" }, 404);
  const cancel = "POST /admin/jobs/{jobId}/cancel";
  await check(cancel, { path: `/admin/jobs/${jobId}/cancel` }, 400);
  await check(cancel, { path: "/admin/jobs/999999/cancel" }, 404);
  const deleted = await primary.call({ method: "PUT", path: `/admin/jobs/${jobId}` });
  assert.equal(deleted.status, 405);
});

test("contract - jobs by cursor lead to every job once, forward and back", async () => {
  await primary.backUp("base");
  interface Page {
    data: { id: string }[];
    meta: { pagination: { next?: string; prev?: string } };
    links: { next?: { href: string } };
  }
  const read = async (query: string) => {
    const answer = await check("GET /admin/jobs", { path: `/admin/jobs?page[limit]=1${query}` }, 200);
    return answer.body as Page;
  };
  const forward: string[] = [];
  let page = await read("");
  for (;;) {
    forward.push(page.data[0]?.id ?? "");
    if (page.meta.pagination.next === undefined) break;
    assert.match(page.links.next?.href ?? "", /^https:.*page%5Bafter%5D=/);
    page = await read(`&page[after]=${page.meta.pagination.next}`);
  }
  const backward = [forward.at(-1)];
  while (page.meta.pagination.prev !== undefined) {
    page = await read(`&page[before]=${page.meta.pagination.prev}`);
    backward.push(page.data[0]?.id);
  }
  assert.ok(forward.length >= 2);
  assert.deepEqual(backward.toReversed(), forward);
});

test("contract - jobs in any order lead to every job once, by cursors of that order", async () => {
  interface Page {
    data: { id: string }[];
    meta: { pagination: { next?: string; prev?: string } };
  }
  const read = async (query: string) =>
    (await check("GET /admin/jobs", { path: `/admin/jobs?${query}` }, 200)).body as Page;
  const ids = ({ data }: Page) => data.map(({ id }) => id);
  for (const sort of ["-startTime", "policyName,-status", "-kilobytesTransferred,clientName", "backupId"]) {
    const all = ids(await read(`sort=${sort}&page[limit]=100`));
    const walked: string[] = [];
    let next: string | undefined = "";
    let last: Page | undefined;
    while (next !== undefined) {
      last = await read(`sort=${sort}&page[limit]=1&page[after]=${next}`);
      walked.push(...ids(last));
      ({ next } = last.meta.pagination);
    }
    assert.deepEqual(walked, all, sort);
    const back = await read(`sort=${sort}&page[limit]=1&page[before]=${last?.meta.pagination.prev}`);
    assert.deepEqual(ids(back), all.slice(-2, -1));
  }
  await check("GET /admin/jobs", { path: "/admin/jobs?sort=-startTime&page[after]=7" }, 400);
  await check("GET /admin/jobs", { path: "/admin/jobs?page[after]=x" }, 400);
});

test("contract - counts, progress and files of jobs", async () => {
  const count = "POST /admin/jobs-count-requests";
  const path = "/admin/jobs-count-requests";
  const ask = (filter: string) => ({ data: { type: "jobCount", attributes: { filter } } });
  const answer = await check(count, { path, body: ask(`jobId eq ${jobId} or jobId eq 999999`) }, 200);
  assert.equal((answer.body as { data: { attributes: Json } }).data.attributes["count"], 1);
  await check(count, { path, body: ask("jobId") }, 400);

  const progress = "GET /admin/jobs/{jobId}/progress-logs";
  const lines = await check(progress, { path: `/admin/jobs/${jobId}/progress-logs?page[limit]=1` }, 200);
  assert.match(lines.text, /backup started/);
  await check(progress, { path: "/admin/jobs/999999/progress-logs" }, 404);
  const files = "GET /admin/jobs/{jobId}/file-lists";
  const list = await check(files, { path: `/admin/jobs/${jobId}/file-lists` }, 200);
  assert.ok(list.text.includes(JSON.stringify(join(folder.path, "file"))));
  await check(files, { path: "/admin/jobs/999999/file-lists" }, 404);
  const attempt = "GET /admin/jobs/{jobId}/try-logs/{attempt}";
  await check(attempt, { path: `/admin/jobs/${jobId}/try-logs/1` }, 200);
  await check(attempt, { path: `/admin/jobs/${jobId}/try-logs/2` }, 404);
});

test("contract - a failed backup is restarted as a new job, and deleted", async () => {
  const source = join(folder.path, "appears-later");
  await primary.createPolicy("restarted", [source]);
  const failed = await primary.backUp("restarted");
  assert.equal(failed.status, 71);
  const restart = "POST /admin/jobs/{jobId}/restart";
  await check(restart, { path: `/admin/jobs/${jobId}/restart` }, 400);
  await writeFile(source, "now");
  const answer = await check(restart, { path: `/admin/jobs/${failed.jobId}/restart` }, 202);
  assert.equal(answer.headers["location"], `/netbackup/admin/restart-job-requests/${failed.jobId}`);
  const made = await primary.call({ path: `/admin/restart-job-requests/${failed.jobId}` });
  const { id } = (made.body as { data: { id: string } }).data;
  assert.equal((await primary.journal.jobDone(Number(id))).status, 0);
  assert.equal((await primary.call({ path: `/admin/restart-job-requests/${id}` })).status, 404);

  const remove = "DELETE /admin/jobs/{jobId}";
  await check(remove, { path: `/admin/jobs/${failed.jobId}` }, 202);
  await check("GET /admin/jobs/{jobId}", { path: `/admin/jobs/${failed.jobId}` }, 404);
  await check(remove, { path: `/admin/jobs/${failed.jobId}` }, 404);
});

test("contract - a running backup is suspended, resumed and cancelled", async () => {
  // Hours of reading for restic, and no space.
  const source = join(folder.path, "slow");
  await writeFile(source, "");
  await truncate(source, 400 * 1024 ** 3);
  await primary.createPolicy("slow", [source]);
  const id = await primary.startBackup("slow");
  await primary.event("job.progress", id);
  const act = (action: string, status: number) =>
    check(`POST /admin/jobs/{jobId}/${action}`, { path: `/admin/jobs/${id}/${action}` }, status);
  assert.equal((await primary.job(id))["suspendable"], 1);
  await act("resume", 400);
  const paused = primary.event("job.paused", id);
  await act("suspend", 202);
  await paused;
  const suspended = await primary.job(id);
  assert.deepEqual([suspended["state"], suspended["resumable"]], ["SUSPENDED", 1]);
  assert.equal((await primary.call({ method: "DELETE", path: `/admin/jobs/${id}` })).status, 405);
  const started = primary.event("job.progress", id);
  await act("resume", 202);
  await started;
  assert.equal((await primary.job(id))["try"], 2);
  await act("cancel", 202);
  assert.equal((await primary.journal.jobDone(id)).status, 150);
  await act("suspend", 400);
  const logs = await primary.call({ path: `/admin/jobs/${id}/try-logs` });
  assert.equal((logs.body as { data: unknown[] }).data.length, 2);
});

test("contract - jobs before version 9 have offset paging", async () => {
  const headers = { accept: "application/vnd.netbackup+json;version=4.0" };
  const answer = await primary.call({ path: "/admin/jobs?page[limit]=1&page[offset]=0", headers });
  assert.equal(answer.headers["content-type"], "application/vnd.netbackup+json;version=4.0");
  const { data, meta } = answer.body as { data: { attributes: Json }[]; meta: { pagination: Json } };
  assert.equal(meta.pagination["offset"], 0);
  assert.equal(typeof meta.pagination["pages"], "number");
  assert.match(String(data[0]?.attributes["elapsedTime"]), /^\d\d:\d\d:\d\d$/);
});

test("contract - images", async () => {
  const list = "GET /catalog/images";
  const get = "GET /catalog/images/{backupId}";
  const recent = await check(list, { path: "/catalog/images" }, 200);
  assert.ok((recent.body as { data: unknown[] }).data.length > 0);
  const old = await check(
    list,
    { path: "/catalog/images?filter=backupTime le 2001-01-01T00:00:00Z".replaceAll(" ", "+") },
    200,
  );
  assert.deepEqual((old.body as { data: unknown[] }).data, []);
  const one = await check(get, { path: `/catalog/images/${backupId}` }, 200);
  assert.match(one.text, /"backupTime":"[^"]*\.000Z"/);
  await check(get, { path: "/catalog/images/nobody_1" }, 404);
  const unauthorised = await primary.call({ path: "/catalog/images", headers: noToken });
  assert.equal(unauthorised.status, 401);
  await check(list, { path: "/catalog/images?filter=nonsense" }, 400);
  await check(list, { path: "/catalog/images?page[offset]=-1" }, 400);

  const update = "POST /catalog/images/update-expiration-date";
  const path = "/catalog/images/update-expiration-date";
  const ask = (attributes: object) => ({ data: { type: "byBackupId", attributes } });
  await check(update, { path, body: ask({ backupId, date: "2999-01-01T00:00:00.000Z" }) }, 204);
  assert.match(
    (await primary.call({ path: `/catalog/images/${backupId}` })).text,
    /"expiration":"2999-01-01/,
  );
  await check(update, { path, body: ask({ backupId, date: "3000-12-31T23:00:00.000Z" }) }, 204);
  await check(update, { path, body: ask({ backupId: "nobody_1", date: "2999-01-01T00:00:00.000Z" }) }, 404);
  await check(update, { path, body: ask({ backupId, date: "soon" }) }, 400);
  await check(update, { path, body: ask({}) }, 400);
  await check(update, { path, body: ask({}), headers: badType }, 415);
});

test("contract - recovery of files", async () => {
  const recover = `POST ${recoverPath}`;
  const path = recoverPath;
  const backupTime = backupTimeOf(backupId);
  const source = join(folder.path, "file");
  const parts = {
    recoveryRequest: recoveryRequest(backupTime, false),
    selectionsFile: [{ path: source, backupTime }],
    renameFile: [{ from: source, to: join(folder.path, "restored") }],
  };
  const answer = await check(recover, { path, ...multipart(parts) }, 201);
  const { data } = answer.body as { data: { id: number } };
  assert.equal(answer.headers["location"], `/netbackup/admin/jobs/${data.id}`);
  assert.equal((await primary.journal.jobDone(data.id)).status, 0);
  const job = await check("GET /admin/jobs/{jobId}", { path: `/admin/jobs/${data.id}` }, 200);
  assert.match(job.text, /"jobType":"RESTORE"/);

  const bad = async (change: object, status: number) =>
    check(recover, { path, ...multipart({ ...parts, ...change }) }, status);
  await bad({ selectionsFile: [{ path: "relative", backupTime }] }, 400);
  await bad({ selectionsFile: [{ path: "/a/../b", backupTime }] }, 400);
  await bad({ selectionsFile: [] }, 400);
  await bad({ selectionsFile: "[" }, 400);
  await bad({ renameFile: [{ from: source, to: "relative" }] }, 400);
  await bad({ selectionsFile: [{ path: source, backupTime: "2001-01-01T00:00:00.000Z" }] }, 404);
  const elsewhere = JSON.stringify(parts.recoveryRequest).replace(
    `"destinationClient":"${clientName}"`,
    '"destinationClient":"other.example"',
  );
  await bad({ recoveryRequest: elsewhere }, 400);
  await check(recover, { path, ...multipart({ recoveryRequest: parts.recoveryRequest }) }, 400);
  const { body = "" } = multipart(parts);
  await check(
    recover,
    { path, body, headers: { "content-type": "multipart/form-data; boundary=other" } },
    400,
  );
  await check(recover, { path, body: "{}" }, 415);
  const form = multipart(parts);
  await check(recover, { path, ...form, headers: { ...form.headers, ...noToken } }, 401);
  await check(recover, { path, ...form, headers: { ...form.headers, ...tooNew } }, 406);
});

test("contract - the tables of operations are those of the documents", () => {
  const described = (operations: typeof contractOperations) =>
    operations
      .map(
        ({ method, template }) => `${method} ${template.replaceAll(/\{(\w+)\}/g, ":$1").replace(/\/$/, "")}`,
      )
      .toSorted();
  const ours = (operations: typeof publishedOperations) =>
    operations.map(([method, path]) => `${method} ${path}`).toSorted();
  assert.deepEqual(ours(publishedOperations), described(contractOperations));
  const real = observedOperations.filter(([, , whyNot]) => whyNot === undefined);
  assert.deepEqual(ours(real), described(observedContract));
});

test("api - refuses bodies that are too large, also without a length", async () => {
  const body = Buffer.alloc(1024 * 1024 + 1, " ");
  const told = await primary.call({ method: "POST", path: "/login", body });
  assert.equal(told.status, 413);
  assert.equal((told.body as Json)["errorCode"], 20);
  const headers = { "transfer-encoding": "chunked" };
  const untold = await primary.call({ method: "POST", path: "/login", body, headers });
  assert.equal(untold.status, 413);
  const chunked = await primary.call({ method: "POST", path: "/login", body: credentials, headers });
  assert.equal(chunked.status, 201);
});

test("api - answers unknown paths with a NetBackup error, behind the authentication", async () => {
  const known = await primary.call({ path: "/nowhere" });
  assert.equal(known.status, 404);
  assert.deepEqual((known.body as Json)["errorDetails"], []);
  assert.equal((await primary.call({ path: "/nowhere", headers: noToken })).status, 401);
  const outside = await primary.primary.app.request("/elsewhere");
  assert.equal(outside.status, 404);
});

test("api - makes a user wait after too many wrong passwords", async () => {
  const body = { userName: "intruder", password: "x" };
  let last = "";
  for (let tries = 0; tries < 11; tries += 1)
    last = (await primary.call({ method: "POST", path: "/login", body })).text;
  assert.match(last, /too many failed logins/);
});
