import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { temporaryFolder } from "./kit/folder.ts";
import { sallyport } from "./kit/sallyport.ts";

test("demo - tells its whole story, again on the same data, and keeps every secret out of logs and output", async () => {
  using folder = temporaryFolder();
  const source = join(folder.path, "source");
  mkdirSync(join(source, "sub"), { recursive: true });
  writeFileSync(join(source, "a"), "a".repeat(100_000));
  writeFileSync(join(source, "sub", "b"), "b");
  const data = join(folder.path, "data");
  const outputs: string[] = [];
  for (const run of [1, 2]) {
    const { code, stdout, stderr } = await sallyport(["demo", "--once", "--data", data, "--source", source]);
    assert.equal(code, 0, `run ${run}:\n${stdout}\n${stderr}`);
    for (const expected of [
      /CONNECT RESPONSE valid:true/,
      /netbackup\.job\.active job\/\d+/,
      /netbackup\.job\.done job\/\d+/,
      /netbackup\.image\.create image\/\S+_\d+/,
      /compared 2 files, 97\.7 KiB by SHA-256: all the same/,
      /netbackup\.image\.delete image\/\S+_\d+/,
      /is gone from the catalogue, and `restic snapshots` has it no more/,
      /DONE, status 0/,
      / 6 \/ 6 /,
    ]) {
      assert.match(stdout, expected);
    }
    assert.equal(/SHA-256 ([0-9A-F]{2}:){31}/.test(stdout), run === 1, "the endpoint is added once");
    outputs.push(stdout, stderr);
  }

  const state = JSON.parse(readFileSync(join(data, "demo.json"), "utf8")) as Record<string, string>;
  const logs = ["hub.log", "primary.log"].map((name) => readFileSync(join(data, name), "utf8"));
  const repositoryPasswords = secretFiles(join(data, "primary"));
  assert.ok(repositoryPasswords.length > 0);
  for (const secret of [state["adminKey"], state["primaryPassword"], ...repositoryPasswords]) {
    assert.ok(secret !== undefined && secret.length >= 16);
    for (const text of [...logs, ...outputs]) assert.ok(!text.includes(secret), "a secret was written");
  }
  for (const text of [...logs, ...outputs]) assert.doesNotMatch(text, /eyJ[\w-]{10,}\./, "a JWT was written");
});

/** The contents of every small file that only its owner may read and that is neither database nor certificate. */
function secretFiles(dir: string): string[] {
  return readdirSync(dir, { recursive: true, encoding: "utf8" })
    .filter((name) => /password|secret/i.test(name))
    .map((name) => join(dir, name))
    .filter((path) => statSync(path).isFile())
    .map((path) => {
      assert.equal(statSync(path).mode & 0o777, 0o600, path);
      return readFileSync(path, "utf8").trim();
    });
}

test("demo - refuses a source that is no folder with one line", async () => {
  const { code, stderr } = await sallyport(["demo", "--once", "--source", "/no/such/folder"]);
  assert.equal(code, 2);
  assert.match(stderr, /^sallyport: --source has to be an existing folder/);
});
