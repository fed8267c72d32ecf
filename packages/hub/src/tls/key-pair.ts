import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { readSecretFile } from "@sallyport/durable";
import { HubError } from "../errors.ts";

/** A server's certificate (with its chain behind it) and private key, both PEM. */
export interface KeyPair {
  cert: string;
  key: string;
}

/** The files that hold them. */
export interface KeyPairFiles {
  certFile: string;
  keyFile: string;
}

/**
 * Reads a certificate and its key.
 * @throws HubError `bad_option` when a file can't be read, or the key's can be read by others
 */
export async function readKeyPair({ certFile, keyFile }: KeyPairFiles): Promise<KeyPair> {
  try {
    return { cert: await readFile(certFile, "utf8"), key: readSecretFile(keyFile) };
  } catch (cause) {
    throw new HubError("bad_option", `the TLS files can't be read: ${(cause as Error).message}`, { cause });
  }
}

/** Where a server's certificate comes from, again and again. */
export interface CertificateSource {
  /** The pair as it is now. */
  read: () => Promise<KeyPair>;
  /** Files to watch between the regular checks. */
  files: readonly string[];
}

/**
 * Makes the source of what a hub was given: a pair, files with one, or nothing.
 * @param own the hub's own certificate, made anew when it is near its end
 */
export function certificateSource(
  given: KeyPair | KeyPairFiles | undefined,
  own: () => Promise<{ certPem: string; keyPem: string }>,
): CertificateSource {
  if (given === undefined) {
    const read = async () => {
      const { certPem, keyPem } = await own();
      return { cert: certPem, key: keyPem };
    };
    return { read, files: [] };
  }
  if ("cert" in given) return { read: () => Promise.resolve(given), files: [] };
  return { read: () => readKeyPair(given), files: [given.certFile, given.keyFile] };
}

/**
 * Looks whether a server could use a pair.
 * @returns the certificate, the first when there are several
 * @throws HubError `bad_option` when one is not PEM, or they don't belong together; the key is in no message
 */
export function checkKeyPair({ cert, key }: KeyPair): X509Certificate {
  const certificate = parsed("certificate", () => new X509Certificate(cert));
  if (certificate.checkPrivateKey(parsed("key", () => createPrivateKey(key)))) return certificate;
  throw new HubError("bad_option", "the TLS key does not belong to the certificate");
}

function parsed<T>(what: string, parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    const { message } = cause as Error;
    throw new HubError("bad_option", `the TLS ${what} is no usable PEM (${message})`, { cause });
  }
}
