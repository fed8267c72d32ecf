import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Memory of the kernel, on every Linux. */
const memory = "/dev/shm";
/** Several times what all tests that run at the same time keep. */
const neededBytes = 2 * 1024 ** 3;

/**
 * Makes the folder that tests keep everything in. It is in memory where there is enough: a hub's start alone waits for the disk some thirty
 * times, and no test loses its power supply. Otherwise (a container with little of it, or where nothing in it may be run) on disk.
 */
export function makeTestFolder(): string {
  if (existsSync(memory)) {
    const { bavail, bsize } = statfsSync(memory);
    if (bavail * bsize >= neededBytes) {
      const folder = mkdtempSync(join(memory, "sallyport-tests-"));
      const probe = join(folder, "probe");
      writeFileSync(probe, "#!/bin/sh\n", { mode: 0o700 });
      const { status } = spawnSync(probe);
      rmSync(probe);
      if (status === 0) return folder;
      rmSync(folder, { recursive: true });
    }
  }
  return mkdtempSync(join(tmpdir(), "sallyport-tests-"));
}
