// An NBWSS service in a process of its own, to be killed: `outbox-runner.ts FOLDER ENDPOINT-FILE CA-FILE`. Each line on its standard input is a
// number of jobs, of which each is told of once.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { defaultProperties, NbwssService, type EndpointDetails } from "@sallyport/agent";
import { openDatabase } from "@sallyport/durable";
import { pino } from "pino";
import { jobEntry } from "./job-entry.ts";

const [, , folder = "", endpointFile = "", caFile = ""] = process.argv;
const endpoint = JSON.parse(readFileSync(endpointFile, "utf8")) as EndpointDetails;
const service = new NbwssService({
  database: openDatabase({ path: join(folder, "agent.db"), migrations: [] }),
  auditDir: join(folder, "audit"),
  log: pino({ level: "info" }),
  endpointCaPem: readFileSync(caFile, "utf8"),
  // What is not acknowledged is sent again on the next connection only.
  properties: { ...defaultProperties, connectPeriodMs: 100, sendTimeoutMs: 600_000 },
  limits: { backoffBaseMs: 10, maxOutboxNotifications: 25 },
});
service.start({ origin: "https://127.0.0.1:1", ca: [] });
if (!service.administration.list().some(({ hostName }) => hostName === endpoint.hostName)) {
  const { certificate } = await service.administration.validateHost(endpoint);
  await service.administration.save({ ...endpoint, certificate, state: "ACTIVATED" });
}
createInterface({ input: process.stdin }).on("line", (line) => {
  const [first = 0, last = 0] = line.split("-").map(Number);
  for (let jobId = first; jobId <= last; jobId += 1) service.outbox.append([jobEntry(jobId, "client")]);
  service.outbox.flush();
});
