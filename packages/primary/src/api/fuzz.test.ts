// Requests that nobody in their right mind would send: the primary refuses them as NetBackup does, lives, and nothing of them becomes an
// option of restic or touches a file that nobody named.
import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { chmod, mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { request, Agent } from "node:https";
import type { IncomingMessage } from "node:http";
import { join } from "node:path";
import test, { after, before } from "node:test";
import { connect } from "node:tls";
import fc from "fast-check";
import { contractProblems } from "../testing/contract.ts";
import { mutatedBodies } from "../testing/mutated-bodies.ts";
import { oddFilters, oddPaths, oddRequests, type OddRequest } from "../testing/odd-requests.ts";
import {
  clientName,
  policyBody,
  startTestPrimary,
  temporaryFolder,
  type TestPrimary,
} from "../testing/test-primary.ts";

const seed = Number(process.env["SALLYPORT_FUZZ_SEED"] ?? randomInt(2 ** 31));
const samples = <T>(arbitrary: fc.Arbitrary<T>, count: number) =>
  fc.sample(arbitrary, { seed, numRuns: count });

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let primary: TestPrimary;
let agent: Agent;
let argumentsFile = "";
let backupId = "";
let jobId = 0;
/** Not ended when the fuzz ends every session. */
let apiKey = "";
const errors: unknown[] = [];

before(async () => {
  folder = await temporaryFolder();
  argumentsFile = join(folder.path, "arguments");
  const program = join(folder.path, "restic");
  // A restic that writes down how it is called, one line for each argument, NUL for the end of it.
  await writeFile(program, `#!/bin/sh\nprintf '%s\\0' "$@" >> '${argumentsFile}'\nexec restic "$@"\n`);
  await chmod(program, 0o755);
  primary = await startTestPrimary(join(folder.path, "data"), { resticProgram: program });
  primary.events.on("request.failed", (line: { err?: unknown }) => errors.push(line.err));
  agent = new Agent({ keepAlive: true, maxSockets: 8, ca: primary.listener.certificate?.caPem ?? "" });
  await mkdir(join(folder.path, "source"));
  await writeFile(join(folder.path, "source", "file"), "content");
  await primary.createPolicy("base", [join(folder.path, "source")]);
  const made = await primary.backUp("base");
  assert.equal(made.status, 0);
  backupId = made.backupId ?? "";
  jobId = made.jobId;
  const attributes = { expireAfterDays: "P1D" };
  const key = await primary.expect(201, "POST /security/api-keys", {
    body: { data: { type: "apiKeyCreationRequest", attributes } },
  });
  ({ apiKey } = (key.body as { data: { attributes: { apiKey: string } } }).data.attributes);
});
after(async () => {
  agent.destroy();
  await primary[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

interface Sent {
  status: number;
  problems: string[];
  text: string;
}

/** Sends it as it is; status 0: the connection was closed instead, or Node's client did not want to send it. */
async function send({ method, path, headers, body }: OddRequest): Promise<Sent> {
  const known = path.replaceAll("BACKUP", backupId).replaceAll("JOB", String(jobId));
  const outgoing = request(`${primary.listener.url}/netbackup`, {
    agent,
    method,
    path: `/netbackup${known}`,
    headers: {
      authorization: apiKey,
      ...Object.fromEntries(headers),
      ...(body === "" ? {} : { "content-length": String(Buffer.byteLength(body)) }),
    },
  });
  outgoing.end(body === "" ? undefined : body);
  const [incoming] = (await once(outgoing, "response")) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString();
  const status = incoming.statusCode ?? 0;
  const isJson = String(incoming.headers["content-type"]).includes("json");
  const answer = {
    status,
    headers: incoming.headers,
    text,
    body: isJson && text !== "" ? (JSON.parse(text) as unknown) : null,
  };
  // A path of the fuzz is one of ours, or is refused: what is not described is not looked up.
  return { status, text, problems: status >= 400 ? contractProblems(method, known, answer) : [] };
}

async function attack(requests: readonly OddRequest[]): Promise<Map<number, number>> {
  const seen = new Map<number, number>();
  const odd: string[] = [];
  let next = 0;
  const lane = async () => {
    for (let at = next++; at < requests.length; at = next++) {
      const asked = requests[at];
      if (asked === undefined) return;
      const { status, problems, text } = await send(asked);
      seen.set(status, (seen.get(status) ?? 0) + 1);
      if (status === 500 || status === 502 || problems.length > 0) {
        odd.push(
          `${status} ${JSON.stringify(asked).slice(0, 1000)} ${text.slice(0, 300)} ${problems.join("; ")}`,
        );
      }
    }
  };
  await Promise.all(Array.from({ length: 8 }, lane));
  assert.deepEqual(odd.slice(0, 5), [], `${odd.length} of them; seed ${seed}`);
  assert.deepEqual(errors, [], `seed ${seed}`);
  return seen;
}

test("fuzz - paths, queries, headers and bodies are answered as documented, none with 500", async (t) => {
  const seen = await attack(samples(oddRequests, 700));
  t.diagnostic(`seed ${seed}: ${JSON.stringify([...seen])}`);
  assert.ok((seen.get(200) ?? 0) > 0 && (seen.get(400) ?? 0) > 0 && (seen.get(404) ?? 0) > 0);
  await primary.logIn();
  await primary.expect(200, "/admin/jobs");
});

test("fuzz - bodies that are almost right are refused with what is wrong, or done", async (t) => {
  const seen = await attack(samples(mutatedBodies, 400));
  t.diagnostic(`seed ${seed}: ${JSON.stringify([...seen])}`);
  assert.ok((seen.get(400) ?? 0) > 0);
  await primary.logIn();
});

test("fuzz - filters, orders and forged cursors are refused whole or answered", async () => {
  const lists = [
    "/admin/jobs",
    "/catalog/images",
    "/config/policies",
    "/manage/alerts",
    "/security/auditlogs",
  ];
  const requests = samples(oddFilters, 400).map((text, at) => {
    const parameter = ["filter", "filter", "sort", "page[after]", "page[before]"][at % 5] ?? "";
    const path = `${lists[at % lists.length]}?${parameter}=${encodeURIComponent(text)}`;
    return { method: "GET", path, headers: [], body: "" } satisfies OddRequest;
  });
  await attack(requests);
  const cursor = (values: unknown) => Buffer.from(JSON.stringify(values)).toString("base64url");
  for (const forged of [
    cursor(["x' OR 1=1 --", 1]),
    cursor([{}, 1]),
    cursor([null, null]),
    Buffer.from("[1e999,1]").toString("base64url"),
    cursor(Array.from({ length: 1000 }, () => 1)),
    cursor("x".repeat(10_000)),
    "!".repeat(100),
    "-1",
    "9".repeat(400),
  ]) {
    const status = (await primary.call({ path: `/admin/jobs?sort=clientName&page[after]=${forged}` })).status;
    assert.ok(status === 400 || status === 200, forged);
    await primary.expect(400, `/admin/jobs?page[after]=${forged}`);
  }
  for (const limit of [
    "-1",
    "101",
    "1e2",
    "0x10",
    "1.5",
    "9".repeat(30),
    "NaN",
    " 1",
    "%00",
    "1&page[limit]=x",
  ]) {
    const { status } = await primary.call({ path: `/admin/jobs?page[limit]=${limit}` });
    assert.equal(status, limit.startsWith("1&") ? 200 : 400, limit);
  }
});

test("fuzz - large, deep and cut bodies cost a refusal", async () => {
  const deep = 200_000;
  const bodies = [
    `${"[".repeat(deep)}${"]".repeat(deep)}`,
    `${'{"data":'.repeat(deep)}1${"}".repeat(deep)}`,
    `{"data":{"type":"policy","attributes":{"policy":{"policyName":"x","policyType":"Standard","clients":[${"1,".repeat(100_000)}1]}}}}`,
    JSON.stringify(
      policyBody(
        "x",
        Array.from({ length: 100_000 }, () => "x"),
      ),
    ),
    `{${Array.from({ length: 100_000 }, (_, at) => `"k${at}":1`).join(",")}}`,
    '{"data":{"__proto__":{"type":"policy"}}}',
    '"'.padEnd(1_000_000, "x"),
    "\u0000",
    '{"data":',
  ];
  for (const body of bodies) {
    const { status, text } = await primary.call({ method: "POST", path: "/config/policies", body });
    assert.ok(status === 400 || status === 413, text.slice(0, 200));
    assert.ok(text.length < 20_000, `${text.length} bytes say what is wrong`);
  }
  assert.equal(({} as { type?: string }).type, undefined);
});

test("fuzz - what is not HTTP, or odd HTTP, is answered with NetBackup's error body", async () => {
  const ask = async (text: string): Promise<string> => {
    const socket = connect({
      host: "127.0.0.1",
      port: primary.listener.port,
      ca: primary.listener.certificate?.caPem,
    });
    socket.on("error", () => socket.destroy());
    socket.end(text);
    const chunks: Buffer[] = [];
    socket.on("data", (chunk: Buffer) => chunks.push(chunk));
    await once(socket, "close");
    return Buffer.concat(chunks).toString("latin1");
  };
  const get = (more: string) => `GET /netbackup/ping HTTP/1.1\r\n${more}Connection: close\r\n\r\n`;
  const cases: [text: string, status: number][] = [
    ["nonsense\r\n\r\n", 400],
    ["GET /netbackup/ping HTTP/9.9\r\n\r\n", 400],
    [get("Host: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n"), 400],
    [get("Host: x\r\nBad Header: y\r\n"), 400],
    [get(`Host: x\r\nX: ${"x".repeat(20_000)}\r\n`), 431],
    [get(""), 200],
    ["GET /netbackup/ping HTTP/1.0\r\n\r\n", 200],
    [get("Host: \r\n"), 400],
    [get("Host: a b\r\n"), 400],
    [get("Host: x/../y\r\n"), 400],
    [get("Host: x\r\nExpect: the-unexpected\r\n"), 200],
    [get("Host: x\r\nUpgrade: websocket\r\n"), 200],
    ["GET * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 400],
    ["GET http://elsewhere.example/netbackup/ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 200],
    ["GET /netbackup/ping%ff%00 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 401],
  ];
  for (const [text, status] of cases) {
    const answer = await ask(text);
    const [head = "", body = ""] = answer.split("\r\n\r\n");
    assert.match(
      head,
      new RegExp(`^HTTP/1.1 ${status} `),
      `${JSON.stringify(text.slice(0, 120))}: ${answer}`,
    );
    if (status === 200) continue;
    assert.match(head, /content-type: application\/vnd\.netbackup\+json;version=14\.0/i, answer);
    assert.ok(Array.isArray((JSON.parse(body) as { errorDetails: unknown }).errorDetails), answer);
  }
});

test("fuzz - nothing of a request becomes an option of restic, and no file is touched that nobody named", async () => {
  const source = join(folder.path, "names");
  const decoy = join(source, "decoy");
  const names = [
    "*",
    "[a-z]",
    "--exclude=x",
    "-rf",
    "a\nb",
    "!x",
    "#x",
    "$HOME",
    "\\x",
    "a'b\"c",
    " x ",
    "?",
    "ü",
  ];
  await mkdir(source);
  await writeFile(decoy, "decoy");
  for (const name of names) await writeFile(join(source, name), name);
  const selections = names.map((name) => join(source, name));
  await primary.expect(204, "POST /config/policies", { body: policyBody("names", selections) });
  const made = await primary.backUp("names");
  assert.equal(made.status, 0);
  const filter = encodeURIComponent(`clientName eq '${clientName}' and path eq '${source}'`);
  const shown = await primary.expect(200, `/catalog/image-contents?filter=${filter}`);
  const entries = (shown.body as { data: { attributes: { name: string } }[] }).data;
  assert.deepEqual(entries.map(({ attributes }) => attributes.name).toSorted(), names.toSorted());

  const target = join(folder.path, "target");
  const outside = async () =>
    JSON.stringify(
      await Promise.all(
        (await readdir(source)).map(async (name) => [name, (await stat(join(source, name))).mtimeMs]),
      ),
    );
  const before = await outside();
  const kept = [...(await readdir(folder.path)), "target"];
  const wanted = names.map((name) => join(source, name));
  const restored = await primary.restore({
    backupId: made.backupId ?? "",
    paths: wanted,
    renames: [{ from: source, to: target }],
  });
  assert.equal(restored.status, 0);
  assert.deepEqual((await readdir(target)).toSorted(), names.toSorted());
  for (const path of samples(oddPaths, 30)) {
    const from = join(source, "a\nb");
    for (const restore of [
      { paths: [path], renames: [{ from: path, to: join(target, "x") }] },
      { paths: [from], renames: [{ from, to: path.startsWith("/") ? `${target}${path}` : path }] },
    ]) {
      const { status, body } = await primary.startRestore({ backupId: made.backupId ?? "", ...restore });
      assert.ok(status === 201 || status === 400 || status === 404, `${status} ${JSON.stringify(restore)}`);
      if (status !== 201) continue;
      await primary.journal.jobDone((body as { data: { id: number } }).data.id);
    }
    const place = `path eq '${path.toWellFormed().replaceAll("'", "''")}'`;
    const asked = encodeURIComponent(`clientName eq '${clientName}' and ${place}`);
    const { status } = await primary.call({ path: `/catalog/image-contents?filter=${asked}` });
    assert.ok(status === 200 || status === 400, path);
  }
  assert.equal(await outside(), before);
  assert.equal(await readFile(decoy, "utf8"), "decoy");
  const known =
    /^(--json|--quiet|--no-lock|--recursive|--archive=tar|--files-from-raw=-|--force|--prune|--compact|--remove-all|--no-cache|--retry-lock=\w+|--host=[\w.-]+|--time=[\d :-]+|--tag=\w+=[\w.+-]*|--include=\/.*|--exclude=.*|--target=\/.*|--repo=.*|-r|--)$/s;
  const calls = (await readFile(argumentsFile, "utf8"))
    .split("\0")
    .filter((argument) => argument.startsWith("-"));
  assert.ok(calls.length > 100);
  assert.deepEqual([...new Set(calls.filter((argument) => !known.test(argument)))], []);
  assert.deepEqual((await readdir(folder.path)).toSorted(), kept.toSorted());
});
