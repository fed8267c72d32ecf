import { createCipheriv, createDecipheriv, createHmac, randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { readSecretFile, writeFileDurably } from "@sallyport/durable";
import { HubError } from "../errors.ts";

const keyBytes = 32;
const ivBytes = 12;
const tagBytes = 16;
const version = "v1";

/**
 * Seals secrets that the hub has to use itself (AES-256-GCM) under a key in a file of its own, so that a copy of a database alone
 * gives nothing away.
 */
export class Sealing {
  readonly #key: Buffer;

  constructor(key: Buffer) {
    this.#key = key;
  }

  /**
   * Encrypts a secret.
   * @param purpose what it is for, such as `webhook/<id>`: it opens for the same purpose only
   */
  seal(secret: string, purpose: string): string {
    const iv = randomBytes(ivBytes);
    const cipher = createCipheriv("aes-256-gcm", this.#key, iv).setAAD(Buffer.from(purpose));
    const sealed = Buffer.concat([cipher.update(secret, "utf8"), cipher.final()]);
    return `${version}.${Buffer.concat([iv, sealed, cipher.getAuthTag()]).toString("base64url")}`;
  }

  /**
   * What tells a text from another without giving it away: unlike a plain hash, nobody can try passwords on it who does not have the
   * key.
   */
  fingerprint(text: string): string {
    return createHmac("sha256", this.#key).update(`fingerprint\n${text}`).digest("hex");
  }

  /** @throws HubError `unsealable` when it was sealed under another key or for another purpose, or was changed */
  open(sealed: string, purpose: string): string {
    const [found, text = ""] = sealed.split(".");
    const bytes = Buffer.from(text, "base64url");
    try {
      if (found !== version || bytes.length < ivBytes + tagBytes)
        throw new TypeError("not sealed by this hub");
      const decipher = createDecipheriv("aes-256-gcm", this.#key, bytes.subarray(0, ivBytes));
      decipher.setAAD(Buffer.from(purpose)).setAuthTag(bytes.subarray(-tagBytes));
      const opened = [decipher.update(bytes.subarray(ivBytes, -tagBytes)), decipher.final()];
      return Buffer.concat(opened).toString("utf8");
    } catch (cause) {
      const message =
        "a stored secret can't be opened: is credentials.key the file that belongs to this data?";
      throw new HubError("unsealable", message, { cause });
    }
  }
}

/**
 * Reads the key file, or makes it (mode 0600).
 * @throws HubError `unsealable` when the file holds no key, SecretFileError when others can read it
 */
export async function openSealing(path: string): Promise<Sealing> {
  if (!existsSync(path)) await writeFileDurably(path, `${randomBytes(keyBytes).toString("base64")}\n`, 0o600);
  const key = Buffer.from(readSecretFile(path).trim(), "base64");
  if (key.length === keyBytes) return new Sealing(key);
  throw new HubError("unsealable", `${path} holds no key of ${keyBytes} bytes in base64`);
}
