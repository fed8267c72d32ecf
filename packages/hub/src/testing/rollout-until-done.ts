// Takes up a rollout, or begins it, and goes on until it is killed or all has ended; a line for each command that goes out, before it is answered.
import { existsSync, writeSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { systemClock } from "@sallyport/nbwss";
import { openRolloutLife, rolloutTo } from "./rollout-life.ts";

const [folder = "", count = "0"] = process.argv.slice(2);
const isNew = !existsSync(join(folder, "rollouts.sqlite"));
await using life = await openRolloutLife(folder, {
  clock: systemClock,
  async send(primaryId) {
    writeSync(1, `${primaryId}\n`);
    await nextTurn();
    return { status: 200, headers: {}, body: "" };
  },
});
const rules = { ratePerMinute: 1_000, maxRunning: 3, windows: [], abortWhen: null };
if (isNew) life.store.create(rolloutTo(Number(count), { rules }));
const finished = life.lines.next("rollout.finished");
life.rollouts.start();
await life.runner.start();
if (life.store.open().length > 0) await finished;
await life.rollouts.look();
writeSync(1, "finished\n");
