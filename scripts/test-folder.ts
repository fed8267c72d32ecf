import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Memory of the kernel, on every Linux. */
const memory = "/dev/shm";
/** Several times what all tests that run at the same time keep. */
const neededBytes = 2 * 1024 ** 3;
const prefix = "sallyport-tests-";

/**
 * Makes the folder that tests keep everything in; it is gone when this process ends. It is in memory where there is enough: a hub's start
 * alone waits for the disk some thirty times, and no test loses its power supply. Otherwise (a container with little of it, or where nothing
 * in it may be run) on disk.
 */
export function makeTestFolder(): string {
  const folder = folderInMemory() ?? mkdtempSync(join(tmpdir(), `${prefix}${process.pid}-`));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }));
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
  return folder;
}

function folderInMemory(): string | undefined {
  if (!existsSync(memory)) return undefined;
  sweep();
  const { bavail, bsize } = statfsSync(memory);
  if (bavail * bsize < neededBytes) return undefined;
  const folder = mkdtempSync(join(memory, `${prefix}${process.pid}-`));
  const probe = join(folder, "probe");
  writeFileSync(probe, "#!/bin/sh\n", { mode: 0o700 });
  const { status } = spawnSync(probe);
  rmSync(probe);
  if (status === 0) return folder;
  rmSync(folder, { recursive: true });
  return undefined;
}

/** Gives back the memory of runs that were killed. */
function sweep(): void {
  for (const name of readdirSync(memory)) {
    const [, pid] = /^sallyport-tests-(\d+)-/.exec(name) ?? [];
    if (pid === undefined || existsSync(`/proc/${pid}`)) continue;
    rmSync(join(memory, name), { recursive: true, force: true });
  }
}
