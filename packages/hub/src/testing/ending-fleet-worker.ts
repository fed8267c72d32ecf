// The fleet's worker, that ends without warning when it is first told to fold; the next one works.
import { existsSync, writeFileSync } from "node:fs";
import { parentPort, workerData } from "node:worker_threads";
import type { FleetWork, ToFleetWorker } from "../fleet/fleet-messages.ts";

const { path } = workerData as FleetWork;
const mark = `${path}.ended-once`;
if (!existsSync(mark)) {
  parentPort?.on("message", ({ type }: ToFleetWorker) => {
    if (type !== "fold") return;
    writeFileSync(mark, "");
    process.exit(7);
  });
}
await import("../fleet/fleet-worker.ts");
