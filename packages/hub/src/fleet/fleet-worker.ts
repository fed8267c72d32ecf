// Folds notifications into the fleet's views, in a thread of its own: a storm of notifications keeps no command waiting.
import { parentPort, workerData } from "node:worker_threads";
import type { Clock } from "@sallyport/nbwss";
import { LogReader } from "../log/log-reader.ts";
import { Views } from "../views/views.ts";
import type { FleetWork, FromFleetWorker, ToFleetWorker } from "./fleet-messages.ts";
import { concernsFleet, makeFleetViews } from "./fleet-views.ts";

const { logPath, path, retryMs, durable } = workerData as FleetWork;
const tell = (message: FromFleetWorker) => parentPort?.postMessage(message);
const line = (level: "info" | "warn" | "error") => (fields: object, event?: string) =>
  tell({ type: "log", level, fields: { ...fields }, event: event ?? "fleet.worker" });

/** As the system's: nbwss' own would bring all of NBWSS into this thread. */
const clock: Pick<Clock, "after"> = {
  after: (ms, run) => {
    const handle = setTimeout(run, ms);
    return { cancel: () => clearTimeout(handle) };
  },
};

using log = new LogReader(logPath, durable);
const views = await Views.open({
  path,
  log,
  views: Object.values(makeFleetViews()),
  concerns: concernsFleet,
  clock,
  logger: { info: line("info"), warn: line("warn"), error: line("error") },
  retryMs,
});
tell({ type: "ready", position: views.position });

const closed = Promise.withResolvers<void>();
let folding = Promise.resolve();
parentPort?.on("message", (message: ToFleetWorker) => {
  if (message.type === "close") {
    closed.resolve();
    return;
  }
  log.durable = message.durable;
  // One after the other: the next one takes what has been committed meanwhile.
  folding = folding.then(async () => {
    await views.follow();
    tell({ type: "reached", position: views.position, isCurrent: views.isCurrent });
  });
});
await closed.promise;
await folding;
views.close();
parentPort?.close();
