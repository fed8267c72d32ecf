import { Command } from "commander";
import { PrimaryClient } from "../client/primary-client.ts";
import { fromEnvironment } from "../environment.ts";
import { Failure } from "../failure.ts";

/** What every command that asks a running agent takes. */
export interface AgentOptions {
  agent?: string;
  json: boolean;
}

/** A command that asks the agent on this machine. */
export function agentClientCommand(name: string): Command {
  return new Command(name)
    .option("--agent <dir>", "the agent's data folder (or SALLYPORT_AGENT)")
    .option("--json", "print JSON", false);
}

/** The agent that runs on this machine. @throws Failure */
export function reachAgent(options: AgentOptions): Promise<PrimaryClient> {
  const agent = options.agent ?? fromEnvironment("SALLYPORT_AGENT");
  if (agent === undefined) {
    throw new Failure("name the agent's data folder with --agent DIR, or in SALLYPORT_AGENT", {
      exitCode: 2,
    });
  }
  return PrimaryClient.login({ agent });
}
