import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { request } from "node:http";
import { join } from "node:path";
import { test } from "node:test";
import { adminKey, HubFixture } from "../testing/hub-fixture.ts";
import { parseExposition, type Family } from "../testing/exposition.ts";

async function scrape(fixture: HubFixture): Promise<Map<string, Family>> {
  const reply = await fixture.call({ path: "/metrics" });
  assert.equal(reply.status, 200);
  return parseExposition(reply.text);
}

const valueOf = (families: Map<string, Family>, name: string, labels: Record<string, string> = {}) =>
  families.get(name)?.samples.find((sample) => {
    return (
      sample.name === name && Object.entries(labels).every(([key, value]) => sample.labels[key] === value)
    );
  })?.value;

test("metrics - count connections, requests and the log, and are Prometheus text", async () => {
  await using fixture = await HubFixture.start();
  const before = await scrape(fixture);
  assert.equal(valueOf(before, "sallyport_hub_connections", { state: "established" }), 0);
  const primary = await fixture.enrol();
  const connection = await fixture.dial(primary);
  await assert.rejects(fixture.dial({ ...primary, endpoint: { ...primary.endpoint, token: "wrong-token" } }));
  const connected = await scrape(fixture);
  assert.equal(valueOf(connected, "sallyport_hub_connections", { state: "established" }), 1);
  assert.ok((valueOf(connected, "sallyport_hub_tcp_connections") ?? 0) >= 1);
  assert.equal(valueOf(connected, "sallyport_hub_connects_total"), 1);
  assert.equal(valueOf(connected, "sallyport_hub_views_current"), 1);
  const route = "/api/v1/primaries";
  assert.equal(
    valueOf(connected, "sallyport_hub_http_requests_total", { method: "POST", route, status: "201" }),
    1,
  );
  await fixture.call({ path: `${route}/${primary.id}` });
  await fixture.call({ path: `${route}/another` });
  const line = fixture.log.all("request.answered").at(-1);
  assert.deepEqual(
    [line?.["method"], line?.["route"], line?.["status"], line?.["code"]],
    ["GET", `${route}/{id}`, 404, "no_such_primary"],
  );
  assert.match(String(line?.["caller"]), /^api-key\//);
  const asked = await scrape(fixture);
  for (const status of ["200", "404"]) {
    const labels = { method: "GET", route: `${route}/{id}`, status };
    assert.equal(valueOf(asked, "sallyport_hub_http_requests_total", labels), 1);
  }
  assert.ok(
    (valueOf(connected, "sallyport_hub_log_position") ?? 0) >
      (valueOf(before, "sallyport_hub_log_position") ?? 0),
  );
  const disconnected = fixture.log.next("connection.disconnected");
  await connection.close(4999, "a code that nobody knows");
  await disconnected;
  // The end is counted when it is in the log, which an answered change comes after.
  await fixture.enrol("another");
  const after = await scrape(fixture);
  assert.equal(valueOf(after, "sallyport_hub_disconnects_total", { code: "other", cause: "unknown" }), 1);
  assert.equal(valueOf(after, "sallyport_hub_connections", { state: "established" }), 0);
  assert.ok((valueOf(after, "process_resident_memory_bytes") ?? 0) > 1e7);
  assert.ok((valueOf(after, "nodejs_eventloop_lag_seconds", { quantile: "0.99" }) ?? -1) >= 0);
});

test("metrics - labels stay few, whatever is asked for, and no secret is in them", async () => {
  await using fixture = await HubFixture.start();
  const primary = await fixture.enrol();
  const secrets = [
    adminKey,
    primary.endpoint.token,
    primary.id,
    new URL(primary.detailsUrl).pathname.slice(-20),
  ];
  const seriesOf = async () => {
    const families = [...(await scrape(fixture)).values()];
    return families.reduce((sum, { samples }) => sum + samples.length, 0);
  };
  const ask = async (marker: string) => {
    await fixture.call({ path: new URL(primary.detailsUrl).pathname, key: null });
    for (const path of [
      `/${marker}`,
      `/api/v1/${marker}`,
      `/api/v1/primaries/${marker}`,
      `/assets/${marker}.js`,
    ]) {
      for (const method of ["GET", "DELETE", "PROPFIND"]) await fixture.call({ path, method });
    }
    await fixture.call({ path: `/api/v1/primaries/${marker}`, key: `key-${marker}` });
  };
  // The details URL works once, then is answered 404.
  for (const marker of ["first-marker", "second-marker"]) await ask(marker);
  await scrape(fixture);
  const series = await seriesOf();
  for (let n = 0; n < 5; n += 1) await ask(`marker-${n}`);
  assert.equal(await seriesOf(), series);
  const { text } = await fixture.call({ path: "/metrics" });
  for (const secret of [...secrets, "marker"]) assert.ok(!text.includes(secret), secret.slice(0, 6));
});

test("metrics - are for keys that may see the whole hub only", async () => {
  await using fixture = await HubFixture.start();
  assert.equal((await fixture.call({ path: "/metrics", key: null })).status, 401);
  assert.equal((await fixture.call({ path: "/metrics", key: "wrong-key-of-a-test" })).status, 401);
  const reply = await fixture.call({ path: "/metrics" });
  assert.equal(reply.status, 200);
  assert.match(String(reply.headers["content-type"]), /^text\/plain; version=0\.0\.4/);
});

test("metrics - are served without a key on a loopback address of their own, and nothing else is", async () => {
  await using fixture = await HubFixture.start({}, { metrics: { host: "127.0.0.1", port: 0 } });
  const ask = (path: string, options: { method?: string; host?: string } = {}) =>
    new Promise<[number | undefined, string]>((resolve, reject) => {
      const url = new URL(path, fixture.metricsUrl);
      const headers = options.host === undefined ? {} : { host: options.host };
      const outgoing = request(
        url,
        { method: options.method ?? "GET", headers, agent: false },
        (response) => {
          let text = "";
          response.on("data", (chunk: Buffer) => (text += chunk.toString()));
          response.on("end", () => resolve([response.statusCode, text]));
        },
      );
      outgoing.on("error", reject);
      outgoing.end();
    });
  const [status, text] = await ask("/metrics");
  assert.equal(status, 200);
  assert.ok(parseExposition(text).has("sallyport_hub_connections"));
  assert.equal((await ask("/api/v1/primaries"))[0], 404);
  assert.equal((await ask("/metrics", { method: "POST" }))[0], 405);
  // A name that a stranger's page has made to point at this machine.
  assert.equal((await ask("/metrics", { host: "rebound.example:9464" }))[0], 421);
});

test("metrics - docs/metrics.md has every metric of the hub with its type and what it says, and no others", async () => {
  await using fixture = await HubFixture.start();
  const families = await scrape(fixture);
  const page = await readFile(join(import.meta.dirname, "../../../../docs/metrics.md"), "utf8");
  const documented = [...page.matchAll(/^\| `(\w+)` \| (\w+) \| (.*) \|$/gm)]
    .map(([, ...cells]) => cells)
    .filter(([name = ""]) => !name.startsWith("sallyport_agent_"));
  const expected = [...families.values()].map(({ name, type, help }) => [name, type, help]);
  const sorted = (rows: string[][]) => rows.map((row) => row.join(" | ")).sort((a, b) => a.localeCompare(b));
  assert.deepEqual(sorted(documented), sorted(expected));
});
