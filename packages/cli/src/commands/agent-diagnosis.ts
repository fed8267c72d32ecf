import type { Command } from "commander";
import { agentCheckCommand } from "./agent-check.ts";
import { agentDiagCommand } from "./agent-diag.ts";
import { agentStatusCommand } from "./agent-status.ts";

/** `sallyport agent status`, `check` and `diag`: what the running agent says of itself. */
export function agentDiagnosisCommands(): Command[] {
  return [agentStatusCommand(), agentCheckCommand(), agentDiagCommand()];
}
