// Runs a primary in a process of its own, to be killed: `run-primary.ts DATA`. It prints its log, and first one line
// with its address and authority.
import { hostname } from "node:os";
import pino from "pino";
import { createPrimary } from "../primary.ts";
import { credentials } from "./test-primary.ts";

const primary = await createPrimary({
  dataDir: process.argv[2] ?? "",
  hostName: hostname(),
  log: pino({ level: "debug" }, process.stdout),
  firstUser: credentials,
  journal: () => ({ append: () => {} }),
});
const { url, certificate } = await primary.listen({ host: "127.0.0.1", port: 0 });
process.stdout.write(`${JSON.stringify({ msg: "runner.ready", url, caPem: certificate?.caPem })}\n`);
