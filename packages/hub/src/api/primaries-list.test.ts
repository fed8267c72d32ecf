import assert from "node:assert/strict";
import { test } from "node:test";
import type { EnrolledPrimary, PrimariesSummary, PrimarySummary } from "../index.ts";
import { HubFixture } from "../testing/hub-fixture.ts";

/** Vienna is connected, Graz was, Bern never. */
async function startThree() {
  const fixture = await HubFixture.start();
  const enrol = async (name: string, site: string) => {
    const reply = await fixture.post("/api/v1/primaries", { name, labels: { site } });
    return reply.json() as EnrolledPrimary;
  };
  const [vienna, graz] = [await enrol("Vienna", "at"), await enrol("graz", "at")];
  await enrol("bern", "ch");
  await fixture.dial(vienna);
  const ended = fixture.log.next("connection.disconnected");
  await (await fixture.dial(graz)).close();
  await ended;
  const get = async (path: string, key?: string) => {
    const reply = await fixture.call({
      path: `/api/v1/primaries${path}`,
      ...(key === undefined ? {} : { key }),
    });
    assert.equal(reply.status, 200, reply.text);
    return reply.json();
  };
  return { fixture, get };
}

test("primaries - are listed by name, label and state, page by page", async () => {
  const { fixture, get } = await startThree();
  await using _ = fixture;
  const table: [query: string, names: string[]][] = [
    ["", ["bern", "graz", "Vienna"]],
    ["?sort=-name", ["Vienna", "graz", "bern"]],
    ["?q=R", ["bern", "graz"]],
    ["?label=site:at", ["graz", "Vienna"]],
    ["?state=connected", ["Vienna"]],
    ["?state=disconnected", ["graz"]],
    ["?state=never&label=site:ch", ["bern"]],
    ["?state=never&label=site:at", []],
  ];
  for (const [query, names] of table) {
    const { data } = (await get(query)) as { data: PrimarySummary[] };
    assert.deepEqual(
      data.map(({ name }) => name),
      names,
      query,
    );
  }
  const first = (await get("?limit=2")) as { data: PrimarySummary[]; next: string };
  const rest = (await get(`?limit=2&cursor=${first.next}`)) as { data: PrimarySummary[]; next: null };
  assert.deepEqual([rest.data.map(({ name }) => name), rest.next], [["Vienna"], null]);
});

test("primaries - are counted by state, of those that match and that the caller may see", async () => {
  const { fixture, get } = await startThree();
  await using _ = fixture;
  const none: PrimariesSummary = { total: 0, connected: 0, stale: 0, disconnected: 0, never: 0 };
  assert.deepEqual(await get("/summary"), { ...none, total: 3, connected: 1, disconnected: 1, never: 1 });
  assert.deepEqual(await get("/summary?q=r"), { ...none, total: 2, disconnected: 1, never: 1 });
  assert.deepEqual(await get("/summary?label=site:at"), { ...none, total: 2, connected: 1, disconnected: 1 });
  const { key } = await fixture.makeKey({ name: "ch", scope: { kind: "labels", labels: { site: "ch" } } });
  assert.deepEqual(await get("/summary", key), { ...none, total: 1, never: 1 });
  assert.deepEqual(await get("/summary?q=nobody"), none);
});
