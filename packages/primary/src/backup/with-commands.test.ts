import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { chmod, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";
import { commandFile, commandFor, commandSchema } from "../premises/commands.ts";
import { startTestPrimary, temporaryFolder } from "../testing/test-primary.ts";

const parsed = (command: object) => commandSchema.parse({ run: ["/bin/true"], when: "start", ...command });

test("commands - one for the schedule goes before one for the policy, and others' are left alone", () => {
  const all = parsed({ name: "all", policy: "p" });
  const full = parsed({ name: "full", policy: "p", schedule: "full" });
  const end = parsed({ name: "end", policy: "p", when: "end" });
  const nameOf = (policyName: string, scheduleName: string) =>
    commandFor([all, full, end], { when: "start", policyName, scheduleName })?.name;
  assert.deepEqual(
    [nameOf("p", "full"), nameOf("p", "daily"), nameOf("P", "full")],
    ["full", "all", undefined],
  );
});

test("commands - are an absolute path with arguments, and a file that nobody else may write", async () => {
  await using folder = await temporaryFolder();
  for (const run of [[], ["true"], ["./true"], ["/bin/echo", "a\0b"]]) {
    assert.equal(commandSchema.safeParse({ ...parsed({ name: "x", policy: "p" }), run }).success, false);
  }
  const commands = commandFile(folder.path);
  await commands.add(parsed({ name: "x", policy: "p" }));
  await assert.rejects(commands.add(parsed({ name: "X", policy: "q" })), { code: "already_exists" });
  await chmod(commands.path, 0o666);
  assert.throws(() => commands.list(), { code: "premises_unusable", message: /chmod 600/ });
  await chmod(commands.path, 0o600);
  await writeFile(commands.path, '[{"name":"x"}]');
  assert.throws(() => commands.list(), { code: "premises_unusable", message: /0\.policy/ });
});

test("backup - runs the policy's start and end commands, and says by its status which of them failed", async () => {
  await using folder = await temporaryFolder();
  const dataDir = join(folder.path, "data");
  await using primary = await startTestPrimary(dataDir);
  const commands = commandFile(dataDir);
  const file = join(folder.path, "file");
  await writeFile(file, "x");
  const script = join(folder.path, "script");
  const trace = join(folder.path, "trace");
  const body = `#!/bin/sh\necho "$1 $SALLYPORT_POLICY $SALLYPORT_CLIENT $SALLYPORT_STATUS" >> '${trace}'\necho "says $1"\n$2\n`;
  await writeFile(script, body);
  await chmod(script, 0o755);
  const add = (policy: string, when: "start" | "end", then: string, timeoutSeconds = 60) =>
    commands.add({ name: `${policy}-${when}`, policy, when, run: [script, when, then], timeoutSeconds });
  const backUp = async (policy: string) => {
    await primary.createPolicy(policy, [file]);
    const { jobId, status, backupId } = await primary.backUp(policy);
    const log = await primary.log(jobId);
    const hasImage = (await primary.call({ path: `/catalog/images/${backupId}` })).status === 200;
    return { status, hasImage, log };
  };

  await add("good", "start", "true");
  await add("good", "end", "true");
  const good = await backUp("good");
  assert.deepEqual([good.status, good.hasImage], [0, true], good.log);
  assert.match(good.log, /start command "good-start": says start/);
  const [start = "", end = ""] = (await readFile(trace, "utf8")).split("\n");
  assert.match(start, /^start good \S+ $/);
  assert.match(end, /^end good \S+ 0$/);

  await add("no-start", "start", "exit 7");
  await add("no-start", "end", "true");
  const noStart = await backUp("no-start");
  assert.deepEqual([noStart.status, noStart.hasImage], [73, false], noStart.log);
  assert.match(noStart.log, /"no-start-start": ended with exit code 7/);
  assert.match(await readFile(trace, "utf8"), /end no-start \S+ 73/);

  await add("no-end", "end", "exit 3");
  const noEnd = await backUp("no-end");
  assert.deepEqual([noEnd.status, noEnd.hasImage], [77, true], noEnd.log);

  // One that hangs is killed with what it has started, and its output is bounded.
  const marker = join(folder.path, "marker");
  await writeFile(
    `${script}2`,
    `#!/bin/sh\nyes | head -c 100000\n(trap '' TERM; sleep 600; touch '${marker}') & wait\n`,
  );
  await chmod(`${script}2`, 0o755);
  await commands.add({ name: "slow", policy: "slow", when: "start", run: [`${script}2`], timeoutSeconds: 1 });
  const slow = await backUp("slow");
  assert.deepEqual([slow.status, slow.hasImage], [74, false], slow.log);
  assert.match(slow.log, /had not ended after 1 s/);
  assert.ok(!existsSync(marker));

  // One that somebody else could have written is not run.
  await add("open", "start", "true");
  await chmod(script, 0o777);
  const open = await backUp("open");
  assert.deepEqual([open.status, open.hasImage], [73, false], open.log);
  assert.match(open.log, /others may write it/);
});
