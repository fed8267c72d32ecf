import { readFileSync } from "node:fs";
import { readSecretFile } from "@sallyport/durable";
import { Failure } from "../failure.ts";

/**
 * Reads the certificate and key that settings name; undefined when they name none.
 * @throws Failure when a file can't be read
 */
export function readTlsFiles(tls: {
  cert?: string | undefined;
  key?: string | undefined;
}): { cert: string; key: string } | undefined {
  if (tls.cert === undefined || tls.key === undefined) return undefined;
  try {
    return { cert: readFileSync(tls.cert, "utf8"), key: readSecretFile(tls.key) };
  } catch (error) {
    throw new Failure(`the TLS files can't be read: ${(error as Error).message}`, {
      cause: error,
      exitCode: 2,
    });
  }
}
