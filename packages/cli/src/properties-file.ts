import { readFileSync } from "node:fs";
import { parseProperties, type NbwssProperties } from "@sallyport/agent";
import type { Logger } from "pino";
import { Failure } from "./failure.ts";

/**
 * Reads the `nbwss.properties` that a server is started with; what is wrong in it is logged by line.
 * @throws Failure when the file can't be read
 */
export function readProperties(file: string | undefined, log: Logger): NbwssProperties {
  if (file === undefined) return parseProperties("").properties;
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw new Failure(`nbwss.properties can't be read: ${(error as Error).message}`, {
      cause: error,
      exitCode: 2,
    });
  }
  const { properties, problems } = parseProperties(text);
  for (const problem of problems) log.warn({ file, problem }, "properties.ignored");
  return properties;
}
