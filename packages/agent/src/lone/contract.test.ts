// The administration of a lone agent against the published shapes of websocket-servers.json, over its real listener.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { once } from "node:events";
import { request } from "node:https";
import { join } from "node:path";
import { test } from "node:test";
import { Ajv } from "ajv";
import addFormats from "ajv-formats";
import { pino } from "pino";
import { startCloud } from "../../../../tests/kit/cloud.ts";
import { temporaryFolder } from "../../../../tests/kit/folder.ts";
import { startTlsServer } from "../../../../tests/kit/tls-server.ts";
import { startLoneAgent } from "./lone-agent.ts";

interface Operation {
  responses: Record<string, { $ref?: string; content?: object }>;
}
const name = "websocket-servers";
const file = join(import.meta.dirname, `../../../../tests/fixtures/netbackup-openapi/${name}.json`);
const contract = JSON.parse(readFileSync(file, "utf8")) as {
  paths: Record<string, Record<string, Operation>>;
};
const ajv = new Ajv({ strict: false, allErrors: true });
// With ajv's own types for CommonJS the function is the module's default.
addFormats.default(ajv);
ajv.addSchema(contract, name);

const media = "application/vnd.netbackup+json";
const base = "/config/servers/wssendpoints";

/** A lone agent, whose answers are checked against the contract as they come. */
async function startChecked(folder: string, endpointCaPem: string) {
  const agent = await startLoneAgent({
    dataDir: join(folder, "agent"),
    upstream: { origin: "https://127.0.0.1:1", ca: [] },
    listen: { host: "127.0.0.1", port: 0 },
    log: pino({ level: "silent" }),
    endpointCaPem,
  });
  const access = JSON.parse(readFileSync(join(folder, "agent", "administration.json"), "utf8")) as {
    token: string;
  };
  const ca = readFileSync(agent.caFile, "utf8");

  async function check(
    operation: string,
    expected: number,
    body?: unknown,
    headers: Record<string, string> = {},
  ) {
    const [method = "", path = ""] = operation.split(" ");
    const text = typeof body === "string" ? body : body === undefined ? undefined : JSON.stringify(body);
    const sent =
      text === undefined
        ? {}
        : { "content-type": `${media};version=12.0`, "content-length": Buffer.byteLength(text) };
    const accept = `${media};version=12.0`;
    const all = { authorization: access.token, accept, ...sent, ...headers };
    const outgoing = request(`${agent.url}/netbackup${path}`, { method, ca, headers: all });
    outgoing.end(text);
    const [incoming] = (await once(outgoing, "response")) as [IncomingMessage];
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const answer: unknown = JSON.parse(Buffer.concat(chunks).toString());
    assert.equal(incoming.statusCode, expected, JSON.stringify(answer));
    assert.match(
      incoming.headers["content-type"] ?? "",
      /^application\/vnd\.netbackup\+json;version=\d+\.0$/,
    );
    const template = method === "DELETE" ? `${base}/{hostName}` : path;
    const response = contract.paths[template]?.[method.toLowerCase()]?.responses[expected];
    assert.ok(response !== undefined, `${operation} does not document ${expected}`);
    const escaped = template.replaceAll("~", "~0").replaceAll("/", "~1");
    const where =
      response.$ref?.slice(1) ?? `/paths/${escaped}/${method.toLowerCase()}/responses/${expected}`;
    const pointer = `${where}/content/${media.replaceAll("/", "~1")}/schema`;
    const validate = ajv.compile({ $ref: `${name}#${pointer.split("/").map(encodeURIComponent).join("/")}` });
    assert.ok(validate(answer), JSON.stringify(validate.errors));
    return answer as Record<string, unknown>;
  }
  return { agent, check, [Symbol.asyncDispose]: () => agent.close() };
}

test("contract - the lone agent answers every operation of endpoint administration in the published shapes", async () => {
  using folder = temporaryFolder();
  await using cloud = await startCloud({ dir: folder.path });
  await using publisher = await startTlsServer(
    (incoming, response) =>
      response.end(incoming.url === "/none" ? "nothing" : JSON.stringify(cloud.details)),
    { dir: folder.path },
  );
  await using lone = await startChecked(folder.path, cloud.caPem);
  const { check } = lone;
  const { hostName } = cloud.details;
  const details = { ...cloud.details, certificate: "" };
  const nowhere = { ...details, url: "wss://127.0.0.1:1/nbwss" };
  const badType = { "content-type": "text/plain" };
  const tooNew = { accept: `${media};version=99.0` };
  const stranger = { authorization: "nobody" };

  const shown = await check(`POST ${base}/validatehost`, 200, details);
  assert.match(String(shown["certificate"]), /BEGIN CERTIFICATE/);
  const named = await check(`POST ${base}/validatehost`, 400, { ...details, priority: "high" });
  assert.deepEqual(Object.keys(named["attributeErrors"] as object), ["priority"]);
  await check(`POST ${base}/validatehost`, 400, "{");
  await check(`POST ${base}/validatehost`, 401, details, stranger);
  await check(`POST ${base}/validatehost`, 406, details, tooNew);
  await check(`POST ${base}/validatehost`, 415, details, badType);
  await check(`POST ${base}/validatehost`, 500, nowhere);

  await check(`POST ${base}/validateurl`, 200, { url: `${publisher.origin}/details` });
  await check(`POST ${base}/validateurl`, 400, { url: "http://127.0.0.1/" });
  await check(`POST ${base}/validateurl`, 401, {}, stranger);
  await check(`POST ${base}/validateurl`, 406, {}, tooNew);
  await check(`POST ${base}/validateurl`, 415, {}, badType);
  await check(`POST ${base}/validateurl`, 500, { url: `${publisher.origin}/none` });

  const accepted = { ...details, certificate: shown["certificate"] };
  await check(`POST ${base}/save`, 400, details);
  await check(`POST ${base}/save`, 401, accepted, stranger);
  await check(`POST ${base}/save`, 415, accepted, badType);
  await check(`POST ${base}/save`, 500, { ...accepted, certificate: cloud.caPem });
  await check(`POST ${base}/save`, 201, accepted);
  await check(`POST ${base}/update`, 400, { hostName: "nobody", state: "ACTIVATED" });
  await check(`POST ${base}/update`, 401, {}, stranger);
  await check(`POST ${base}/update`, 415, {}, badType);
  await check(`POST ${base}/update`, 200, { hostName, state: "ACTIVATED" });
  await cloud.until(() => cloud.connections.length === 1);

  const list = (await check(`GET ${base}`, 200)) as unknown as Record<string, unknown>[];
  assert.deepEqual(
    list.map(({ state, token }) => [state, token]),
    [["ACTIVATED", "********"]],
  );
  await check(`GET ${base}`, 401, undefined, stranger);
  await check(`GET ${base}`, 406, undefined, tooNew);
  await check(`POST ${base}/update`, 200, { hostName, state: "DEACTIVATED" });
  await cloud.connections[0]?.closed;
  await check(`DELETE ${base}/${hostName}`, 401, undefined, stranger);
  await check(`DELETE ${base}/${hostName}`, 200);
  await check(`DELETE ${base}/${hostName}`, 404);
});
