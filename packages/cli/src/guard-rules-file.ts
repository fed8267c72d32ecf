import { readFileSync } from "node:fs";
import type { GuardRules } from "@sallyport/agent";
import { Failure } from "./failure.ts";

/**
 * The rules of a guard's rules file, or the default rules where none is named.
 * @throws Failure that names each problem with its line
 */
export async function loadGuardRules(file: string | undefined, isReadOnly: boolean): Promise<GuardRules> {
  // Loaded only here, so that the client commands start quickly.
  const { AgentError, builtInRules, readRules } = await import("@sallyport/agent");
  if (file === undefined) return builtInRules(isReadOnly);
  try {
    return readRules({ name: file, text: readFileSync(file, "utf8") }, isReadOnly);
  } catch (error) {
    const why =
      error instanceof AgentError ? error.message : `${file} can't be read: ${(error as Error).message}`;
    throw new Failure(why, { cause: error, exitCode: 2 });
  }
}
