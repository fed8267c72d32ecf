import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import test, { after, before } from "node:test";
import { Ajv, type ValidateFunction } from "ajv";
import addFormats from "ajv-formats";
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
interface Operation {
  responses: Record<string, { content?: Record<string, { schema: Json }> }>;
}
interface Contract {
  document: string;
  paths: Record<string, Record<string, Operation>>;
}

const fixtures = join(import.meta.dirname, "../../../../tests/fixtures/netbackup-openapi");
const ajv = new Ajv({ strict: false, allErrors: true });
// With ajv's own types for CommonJS the function is the module's default.
addFormats.default(ajv);

/** `oneOf` of the published policies has branches without properties, which match everything: it means any of them. */
function readContract(name: string): Contract {
  const text = readFileSync(join(fixtures, `${name}.json`), "utf8").replaceAll('"oneOf"', '"anyOf"');
  const document = JSON.parse(text) as Contract;
  ajv.addSchema(document, name);
  return { ...document, document: name };
}

const contracts = ["gateway", "jobs", "catalog", "policies", "recovery"].map(readContract);
const validators = new Map<string, ValidateFunction>();

function validatorFor(contract: Contract, pointer: readonly string[]): ValidateFunction {
  const escaped = pointer.map((part) => encodeURIComponent(part.replaceAll("~", "~0").replaceAll("/", "~1")));
  const reference = `${contract.document}#/${escaped.join("/")}`;
  const found = validators.get(reference) ?? ajv.compile({ $ref: reference });
  validators.set(reference, found);
  return found;
}

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

/** Makes a call and checks its answer against the published operation. */
async function check(operation: string, call: Call, expected: number) {
  const [method = "", template = ""] = operation.split(" ");
  const answer = await primary.call({ method, ...call });
  assert.equal(answer.status, expected, answer.text);
  const contract = contracts.find(({ paths }) => paths[template]?.[method.toLowerCase()] !== undefined);
  assert.ok(contract, `no ${operation} in the contract`);
  const response = contract.paths[template]?.[method.toLowerCase()]?.responses[expected];
  assert.ok(response, `${operation} does not document ${expected}`);
  const type = String(answer.headers["content-type"] ?? "");
  if (expected >= 400) {
    assert.match(type, /^application\/vnd\.netbackup\+json;version=\d+\.\d+$/);
    const body = answer.body as Json;
    assert.equal(typeof body["errorCode"], "number");
    assert.equal(typeof body["errorMessage"], "string");
    assert.ok(Array.isArray(body["errorDetails"]));
    return answer;
  }
  const [[media, content] = [], ...others] = Object.entries(response.content ?? {});
  assert.deepEqual(others, []);
  if (media === undefined || content === undefined) {
    assert.equal(answer.text, "");
    return answer;
  }
  assert.ok(type.startsWith(media), `${type} is not ${media}`);
  const pointer = [
    "paths",
    template,
    method.toLowerCase(),
    "responses",
    String(expected),
    "content",
    media,
    "schema",
  ];
  const validate = validatorFor(contract, pointer);
  const value = media.includes("json") ? answer.body : answer.text;
  assert.ok(validate(value), JSON.stringify(validate.errors, null, 1));
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
  const policies = contracts.find(({ document }) => document === "policies");
  assert.ok(policies);
  const validate = validatorFor(policies, ["components", "schemas", "policyStandard"]);
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
  await check(list, { path: "/admin/jobs?filter=contains(policyName,'x')" }, 400);
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
  assert.equal((await primary.call({ method: "POST", path: `/admin/jobs/${jobId}/restart` })).status, 501);
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
