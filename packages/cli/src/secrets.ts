import { readFileSync } from "node:fs";
import { readSecretFile, SecretFileError } from "@sallyport/durable";
import { fromEnvironment } from "./environment.ts";
import { Failure } from "./failure.ts";

/**
 * Takes a secret from a file named by an option, or from the environment; never from an argument, which every user of
 * the machine can read, and never from a file that others can.
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

/**
 * Like `readSecret`, for a secret that may be changed while the server runs: tried once at once, and read anew whenever it is asked for.
 * @throws Failure that says how to give it
 */
export function secretReader(
  what: string,
  option: string,
  file: string | undefined,
  variable: string,
): () => string {
  const first = readSecret(what, option, file, variable);
  // A variable can't change, and is left nowhere else.
  return file === undefined ? () => first : () => readSecret(what, option, file, variable);
}

function readFileOf(what: string, file: string): string {
  try {
    return readSecretFile(file).trim();
  } catch (error) {
    if (error instanceof SecretFileError)
      throw new Failure(`${what} is no secret: ${error.message}`, { cause: error, exitCode: 2 });
    // Node's message has the path; it might be the secret itself, given where its file should be named.
    const { code } = error as NodeJS.ErrnoException;
    throw new Failure(`the file of ${what} can't be read (${code})`, { cause: error, exitCode: 2 });
  }
}

function readCertificateFile(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new Failure(`the certificate file can't be read: ${(error as Error).message}`, {
      cause: error,
      exitCode: 2,
    });
  }
}

/**
 * Reads the certificate file that `--ca` names.
 * @throws Failure when it can't be read or holds no certificate
 */
export function readCaFile(file: string | undefined): string | undefined {
  if (file === undefined) return undefined;
  const pem = readCertificateFile(file);
  if (!pem.includes("-----BEGIN CERTIFICATE-----")) {
    throw new Failure(`${file} holds no PEM certificate`, { exitCode: 2 });
  }
  return pem;
}
