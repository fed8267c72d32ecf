// Reads a foreign NetBackup into an outbox in a process of its own, to be killed: `poll-runner.ts DATABASE ORIGIN CA-FILE`.
import { readFileSync } from "node:fs";
import { startLoneAgent } from "@sallyport/agent";
import { pino } from "pino";
import { foreignKey } from "./foreign-netbackup.ts";

const [, , dataDir = "", origin = "", caFile = ""] = process.argv;
await startLoneAgent({
  dataDir,
  upstream: {
    origin,
    ca: [readFileSync(caFile, "utf8")],
    credential: { kind: "api-key", read: () => foreignKey },
  },
  listen: { host: "127.0.0.1", port: 0 },
  endpointCaPem: readFileSync(caFile, "utf8"),
  log: pino({ level: "info" }),
  polling: { what: ["jobs", "images"], jobsEveryMs: 5, imagesEveryMs: 10, resyncEveryMs: 1_000 },
  pollingLimits: { pauseMs: 0, pageSize: 20 },
});
process.stdout.write('{"msg":"runner.ready"}\n');
