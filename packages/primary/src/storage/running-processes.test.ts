import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import test from "node:test";
import { openDatabase } from "@sallyport/durable";
import pino from "pino";
import { migrations } from "../schema.ts";
import { temporaryFolder } from "../testing/test-primary.ts";
import { RunningProcesses } from "./running-processes.ts";

test("running processes - kills what was recorded, what works for the folder, and nothing that only has a process id", async () => {
  await using folder = await temporaryFolder();
  using database = openDatabase({ path: join(folder.path, "db"), migrations });
  const processes = new RunningProcesses(database);
  const [recorded, reused, other] = [0, 1, 2].map(() => spawn("sleep", ["1000"]));
  const resticOf = (dataDir: string) =>
    spawn("sleep", ["1000"], {
      env: { RESTIC_CACHE_DIR: join(dataDir, "storage", "unit", "restic", "cache") },
    });
  // A kill may come before the record of what was started.
  const unrecorded = resticOf(folder.path);
  const neighbour = resticOf(`${folder.path}-2`);
  assert.ok(recorded && reused && other);
  try {
    processes.add(recorded.pid ?? 0, "sleep");
    processes.add(reused.pid ?? 0, "sleep");
    processes.add(other.pid ?? 0, "restic");
    database.prepare("UPDATE restic_processes SET start_time = 'boot:1' WHERE pid = ?").run(reused.pid ?? 0);
    const ended = [recorded, unrecorded].map((child) => once(child, "exit"));
    await processes.killAll(pino({ enabled: false }), folder.path);
    for (const end of ended) assert.deepEqual(await end, [null, "SIGKILL"]);
    assert.equal(neighbour.exitCode ?? neighbour.signalCode, null);
    assert.equal(reused.exitCode ?? reused.signalCode, null);
    assert.equal(other.exitCode ?? other.signalCode, null);
    assert.deepEqual(database.prepare("SELECT * FROM restic_processes").all(), []);
  } finally {
    for (const child of [recorded, reused, other, unrecorded, neighbour]) child.kill("SIGKILL");
  }
});
