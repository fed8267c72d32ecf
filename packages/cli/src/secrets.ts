import { readFileSync } from "node:fs";
import { fromEnvironment } from "./environment.ts";
import { Failure } from "./failure.ts";

/**
 * Takes a secret from a file named by an option, or from the environment; never from an argument, which every user of
 * the machine can read.
 * @param what how the message calls it, such as "the API key"
 * @throws Failure that says how to give it
 */
export function readSecret(what: string, option: string, file: string | undefined, variable: string): string {
  const fromFile = file === undefined ? undefined : readFileOf(what, file);
  const secret = fromFile ?? fromEnvironment(variable);
  if (secret !== undefined && secret !== "") return secret;
  throw new Failure(`${what} is missing: set ${variable}, or name a file that holds it with ${option}`, {
    exitCode: 2,
  });
}

function readFileOf(what: string, file: string): string {
  try {
    return readFileSync(file, "utf8").trim();
  } catch (error) {
    throw new Failure(`${what} can't be read: ${(error as Error).message}`, { cause: error, exitCode: 2 });
  }
}

/**
 * Reads the certificate file that `--ca` names.
 * @throws Failure when it can't be read or holds no certificate
 */
export function readCaFile(file: string | undefined): string | undefined {
  if (file === undefined) return undefined;
  const pem = readFileOf("the CA file", file);
  if (!pem.includes("-----BEGIN CERTIFICATE-----")) {
    throw new Failure(`${file} holds no PEM certificate`, { exitCode: 2 });
  }
  return pem;
}
