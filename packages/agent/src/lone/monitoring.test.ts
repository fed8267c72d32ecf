import assert from "node:assert/strict";
import { test } from "node:test";
import { join } from "node:path";
import { pino } from "pino";
import { temporaryFolder } from "../../../../tests/kit/folder.ts";
import { judgeDisk } from "../checks/disk-check.ts";
import { judgeToken } from "../checks/endpoint-checks.ts";
import { judgeSkew } from "../checks/upstream-checks.ts";
import type { ListedEndpoint } from "../endpoints/administration.ts";
import { startLoneAgent } from "./lone-agent.ts";

const start = (folder: string, host: string) =>
  startLoneAgent({
    dataDir: join(folder, "agent"),
    upstream: { origin: "https://127.0.0.1:1", ca: [] },
    listen: { host: "127.0.0.1", port: 0 },
    monitoringListen: { host, port: 0 },
    log: pino({ level: "silent" }),
  });

test("monitoring - /healthz and /metrics answer on loopback, each metric with its help", async () => {
  using folder = temporaryFolder();
  await using agent = await start(folder.path, "127.0.0.1");
  const get = (path: string, init?: RequestInit) => fetch(`${agent.monitoringUrl}${path}`, init);
  assert.equal(await (await get("/healthz")).text(), "ok\n");
  const metrics = await get("/metrics");
  assert.match(metrics.headers.get("content-type") ?? "", /^text\/plain; version=0\.0\.4/);
  const text = await metrics.text();
  assert.match(text, /^sallyport_agent_outbox_notifications 0$/m);
  for (const [, name = ""] of text.matchAll(/^(sallyport_\w+)[ {]/gm)) {
    assert.ok(text.includes(`# HELP ${name} `) && text.includes(`# TYPE ${name} `), name);
  }
  assert.equal((await get("/netbackup/sallyport/status")).status, 404);
  assert.equal((await get("/metrics", { method: "POST" })).status, 405);
  assert.equal((await get("/metrics", { headers: { origin: "https://page.example" } })).status, 403);
});

test("monitoring - is refused where others could reach it", async () => {
  using folder = temporaryFolder();
  await assert.rejects(start(folder.path, "0.0.0.0"), /no loopback address/);
});

test("checks - a disk that is nearly full, a clock that is off and a refused token fail with advice", () => {
  assert.equal(judgeDisk("/data", 10 * 2 ** 30).outcome, "PASS");
  assert.equal(judgeDisk("/data", 2 ** 20).outcome, "FAIL");
  const nowMs = Date.parse("2026-11-24T10:00:00Z");
  const answer = (date: string) => ({ status: 200, headers: { date }, body: "" });
  assert.equal(judgeSkew(answer("Tue, 24 Nov 2026 10:00:30 GMT"), "nbu", nowMs).outcome, "PASS");
  assert.match(judgeSkew(answer("Tue, 24 Nov 2026 09:55:00 GMT"), "nbu", nowMs).detail, /300 s behind/);
  assert.equal(judgeSkew(answer("Tue, 24 Nov 2026 09:55:00 GMT"), "nbu", nowMs).outcome, "FAIL");
  assert.equal(judgeSkew(undefined, "nbu", nowMs).outcome, "SKIP");
  const endpoint: ListedEndpoint = {
    hostName: "hub",
    groupId: "cloud",
    url: "wss://hub/nbwss",
    token: "********",
    priority: 1,
    certificate: "",
    state: "ACTIVATED",
    connectionState: "DISCONNECTED",
    failure: "the endpoint refused the token",
  };
  assert.equal(judgeToken(endpoint).outcome, "FAIL");
  assert.equal(judgeToken({ ...endpoint, connectionState: "CONNECTED" }).outcome, "PASS");
  assert.equal(judgeToken({ ...endpoint, state: "DEACTIVATED" }).outcome, "SKIP");
});
