// `sallyport rollouts` against a hub and a primary that are processes of their own.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Site } from "./kit/site.ts";

test("cli - a rollout is shown beforehand, made, followed, paused and aborted", async () => {
  await using site = await Site.start();
  assert.equal((await site.cli(["primaries", "add", "away", "--label", "site=graz"])).code, 0);
  const rollouts = (...args: string[]) => site.cli(["rollouts", ...args]);

  const nobody = await rollouts("create", "x", "GET", "/ping");
  assert.deepEqual([nobody.code, /--label, --primary or --all/.test(nobody.stderr)], [2, true]);
  const both = await rollouts("create", "x", "GET", "/ping", "--all", "--primary", "branch");
  assert.match(both.stderr, /--all excludes/);
  const window = await rollouts("create", "x", "GET", "/ping", "--all", "--window", "22-05");
  assert.match(window.stderr, /has to be HH:MM-HH:MM/);

  const preview = await rollouts("create", "x", "GET", "/ping", "--all", "--dry-run");
  assert.match(preview.stdout, /away +│ no .*branch +│ yes.*would reach 2 primaries/s, preview.stderr);
  assert.match((await rollouts("list")).stdout, /No rollout matches/);

  const good = await rollouts("create", "one", "GET", "/ping", "--primary", "branch", "--watch");
  assert.deepEqual([good.code, /finished: 1 done/.test(good.stdout)], [0, true], good.stderr);
  const late = await rollouts("create", "both", "GET", "/ping", "--all", "--deadline", "1s", "--watch");
  assert.equal(late.code, 1);
  assert.match(late.stderr, /not all are done \(finished; 1 done, 1 expired\)/);

  const made = JSON.parse(
    (await rollouts("create", "wait", "GET", "/ping", "--label", "site=graz", "--json")).stdout,
  ) as { id: string };
  assert.match((await rollouts("pause", made.id)).stdout, /wait: paused: paused by /);
  assert.match((await rollouts("resume", made.id)).stdout, /wait: running/);
  assert.match((await rollouts("abort", made.id)).stdout, /would abort wait .*add --yes/);
  assert.match((await rollouts("abort", made.id, "--yes")).stdout, /wait: aborted: aborted by /);
  const again = await rollouts("resume", made.id);
  assert.deepEqual([again.code, /aborted already/.test(again.stderr)], [1, true]);
  const shown = JSON.parse((await rollouts("show", made.id, "--json")).stdout) as {
    state: string;
    primaries: { primaryName: string }[];
  };
  assert.deepEqual(
    [shown.state, shown.primaries.map(({ primaryName }) => primaryName)],
    ["aborted", ["away"]],
  );
  assert.match((await rollouts("list")).stdout, /wait.*aborted.*both.*finished.*one.*finished/s);
});
