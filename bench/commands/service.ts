// The primary's side of our own tunnel: the agent's executor behind a connection of the SDK.
import { readFileSync } from "node:fs";
import { dialEndpoint } from "@sallyport/nbwss";
import { Executor } from "../../packages/agent/src/executor.ts";
import { defaultAgentLimits } from "../../packages/agent/src/limits.ts";
import { number, runProgram, text } from "../program.ts";

runProgram({
  async service(config) {
    const executor = new Executor({
      origin: `http://127.0.0.1:${number(config, "targetPort")}`,
      ca: [],
      maxConnections: defaultAgentLimits.maxUpstreamConnections,
      timeoutMs: defaultAgentLimits.upstreamTimeoutMs,
      maxBodyBytes: 8 * 1024 * 1024,
      maxUploadBytes: 100_000,
    });
    await dialEndpoint({
      url: text(config, "url"),
      token: text(config, "token"),
      tls: { ca: readFileSync(text(config, "ca"), "utf8") },
      execute: (command, signal) => executor.execute(command, signal),
    });
    return { facts: {} };
  },
});
