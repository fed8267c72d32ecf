import assert from "node:assert/strict";
import { renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { pino } from "pino";
import { temporaryFolder } from "../../../tests/kit/folder.ts";
import { PropertiesFile } from "./properties-file.ts";
import type { NbwssProperties } from "./properties.ts";

test("properties file - is taken up when it changes, also by a rename, and keeps what it had when it is gone", async () => {
  using folder = temporaryFolder();
  const file = join(folder.path, "nbwss.properties");
  writeFileSync(file, "connectionInfo.period=7\n");
  const lines: { msg: string; problem?: string }[] = [];
  const log = pino({}, { write: (line: string) => void lines.push(JSON.parse(line) as { msg: string }) });
  using properties = new PropertiesFile(file, log);
  assert.equal(properties.current.connectPeriodMs, 7_000);

  // The watch alone does not keep a process alive.
  const alive = setInterval(() => {}, 1_000);
  using _ended = { [Symbol.dispose]: () => clearInterval(alive) };
  let next = Promise.withResolvers<NbwssProperties>();
  properties.watch((changed) => next.resolve(changed), 10);
  writeFileSync(`${file}.new`, "connectionInfo.period=8\nnonsense=1\n");
  renameSync(`${file}.new`, file);
  assert.equal((await next.promise).connectPeriodMs, 8_000);
  assert.match(lines.find(({ msg }) => msg === "properties.ignored")?.problem ?? "", /^line 2: unknown key/);

  next = Promise.withResolvers();
  rmSync(file);
  for (let look = 0; look < 3; look += 1) properties.reload(() => assert.fail("nothing was read"));
  assert.equal(properties.current.connectPeriodMs, 8_000);
  assert.equal(lines.filter(({ msg }) => msg === "properties.unreadable").length, 1);
  writeFileSync(file, "connectionInfo.period=9\n");
  assert.equal((await next.promise).connectPeriodMs, 9_000);
});
