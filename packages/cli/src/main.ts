#!/usr/bin/env node
import { Command, CommanderError } from "commander";
import { ZodError } from "zod";
import { callCommand } from "./commands/call.ts";
import { demoCommand } from "./commands/demo.ts";
import { endpointCommand } from "./commands/endpoint.ts";
import { hubCommand } from "./commands/hub.ts";
import { primariesCommand } from "./commands/primaries.ts";
import { primaryCommand } from "./commands/primary.ts";
import { Failure } from "./failure.ts";

const program = new Command("sallyport")
  .description("The NetBackup WebSocket Service, both ends: hub, primary, and their clients.")
  .version("0.1.0")
  .showSuggestionAfterError()
  .showHelpAfterError("(add --help for what there is)")
  .exitOverride();

for (const command of [
  hubCommand(),
  primaryCommand(),
  endpointCommand(),
  primariesCommand(),
  callCommand(),
  demoCommand(),
]) {
  program.addCommand(command.copyInheritedSettings(program));
}

/** Prints what went wrong, one line for what a user can mend, and gives the exit code. */
function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof Failure) {
    process.stderr.write(`sallyport: ${error.message}\n`);
    return error.exitCode;
  }
  if (error instanceof ZodError) {
    process.stderr.write(`sallyport: the server's answer is not what was expected: ${error.message}\n`);
    return 1;
  }
  const { message, code } = error as NodeJS.ErrnoException;
  process.stderr.write(`sallyport: ${message}${code === undefined ? "" : ` (${code})`}\n`);
  if (process.env["SALLYPORT_DEBUG"] !== undefined) process.stderr.write(`${(error as Error).stack}\n`);
  return 1;
}

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = exitCodeOf(error);
}
