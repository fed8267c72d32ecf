import assert from "node:assert/strict";
import { test } from "node:test";
import { join } from "node:path";
import { pino } from "pino";
import { temporaryFolder } from "../../../../tests/kit/folder.ts";
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
