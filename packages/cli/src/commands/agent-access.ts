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

/** The data folder of the agent that is meant. @throws Failure */
export function agentFolder(options: AgentOptions): string {
  const agent = options.agent ?? fromEnvironment("SALLYPORT_AGENT");
  if (agent !== undefined) return agent;
  throw new Failure("name the agent's data folder with --agent DIR, or in SALLYPORT_AGENT", { exitCode: 2 });
}

/** The agent that runs on this machine. @throws Failure */
export async function reachAgent(options: AgentOptions): Promise<PrimaryClient> {
  return PrimaryClient.login({ agent: agentFolder(options) });
}
