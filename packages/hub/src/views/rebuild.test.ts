import assert from "node:assert/strict";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { defaultHubLimits } from "../config/limits.ts";
import { HubFixture, LogLines, temporaryFolder } from "../testing/hub-fixture.ts";
import { rebuildViews, verifyViews } from "./rebuild.ts";

const limits = defaultHubLimits;

/** Changes the views behind the hub's back. */
function tamper(dataDir: string, sql: string): void {
  const database = new DatabaseSync(join(dataDir, "views.sqlite"));
  database.exec(sql);
  database.close();
}

/** The data folder of a hub that has stopped, with two primaries. */
async function usedFolder() {
  const folder = await temporaryFolder();
  const dataDir = join(folder.path, "hub");
  {
    await using fixture = await HubFixture.start({ dataDir });
    await fixture.enrol("vienna");
    await fixture.enrol("graz");
  }
  const { logger } = new LogLines();
  return { options: { dataDir, limits, logger }, [Symbol.asyncDispose]: folder[Symbol.asyncDispose] };
}

test("rebuilt views - take the place of the old ones, whatever those had become", async () => {
  await using used = await usedFolder();
  const { dataDir } = used.options;
  const told: [number, number][] = [];
  const verified = await verifyViews(used.options);
  assert.equal(verified.difference, undefined);
  assert.equal(verified.nothingToCompare, undefined);
  tamper(dataDir, "UPDATE primaries SET name = 'salzburg' WHERE name = 'graz'");
  const { difference } = await verifyViews(used.options);
  assert.match(difference ?? "", /^table primaries, row \d+: .*"salzburg".*"graz"/);
  assert.doesNotMatch(difference ?? "", /[0-9a-f]{64}/, "hashes are nobody's business");
  tamper(dataDir, "UPDATE primaries SET name = 'graz' WHERE name = 'salzburg'");
  tamper(dataDir, "DELETE FROM primaries WHERE name = 'vienna'");
  assert.match((await verifyViews(used.options)).difference ?? "", /^table primaries/);
  const { position } = await rebuildViews({
    ...used.options,
    onProgress: (...progress) => told.push(progress),
  });
  assert.deepEqual(told.at(-1), [position, position]);
  assert.equal((await verifyViews(used.options)).difference, undefined);
  writeFileSync(join(dataDir, "views.sqlite"), "no database at all ".repeat(100));
  await rebuildViews(used.options);
  assert.deepEqual(await verifyViews(used.options), {
    position,
    difference: undefined,
    nothingToCompare: undefined,
  });
  const left = readdirSync(dataDir).filter((name) => name.startsWith("views"));
  assert.deepEqual(left, ["views.sqlite"]);
  await using fixture = await HubFixture.start({ dataDir });
  assert.equal(fixture.log.all("views.rebuilding").length, 0);
  const reply = await fixture.call({ path: "/api/v1/primaries" });
  assert.match(reply.text, /graz.*vienna/s);
});

test("rebuilt views - say when there was nothing to compare with", async () => {
  await using used = await usedFolder();
  tamper(used.options.dataDir, "UPDATE reached SET fingerprint = 'older'");
  const { difference, nothingToCompare } = await verifyViews(used.options);
  assert.deepEqual([difference, nothingToCompare], [undefined, "its tables are those of another version"]);
});

test("rebuilt views - are refused while a hub runs, and where there is none", async () => {
  await using folder = await temporaryFolder();
  const { logger } = new LogLines();
  const dataDir = join(folder.path, "hub");
  await assert.rejects(rebuildViews({ dataDir, limits, logger }), { code: "bad_option" });
  assert.ok(!existsSync(dataDir));
  await using _ = await HubFixture.start({ dataDir });
  for (const act of [rebuildViews, verifyViews]) {
    await assert.rejects(act({ dataDir, limits, logger }), { code: "data_dir_in_use" });
  }
});
