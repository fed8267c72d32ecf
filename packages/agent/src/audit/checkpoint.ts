import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  sign,
  verify,
  type KeyObject,
} from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { ChainEnd } from "./entry.ts";

/** A signed word on how far a chain went: whoever keeps one elsewhere can tell that nothing before it was changed or cut off. */
export const checkpoint = z.object({
  n: z.int().min(0),
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  /** Ed25519 over the two, base64. */
  signature: z.string(),
});

/** A signed word on how far a chain went. */
export type Checkpoint = z.infer<typeof checkpoint>;

/** Files beside the audit's own. */
export const auditFiles = {
  /** The newest checkpoint. */
  checkpoint: "checkpoint.json",
  /** Signs checkpoints; mode 0600. */
  key: "key.pem",
  publicKey: "public.pem",
} as const;

/** Signs how far a chain went. */
export function signCheckpoint({ n, hash }: ChainEnd, key: KeyObject): Checkpoint {
  return { n, hash, signature: sign(null, messageOf(n, hash), key).toString("base64") };
}

/** Whether a checkpoint was signed with the key that belongs to this public one. */
export function isSigned({ n, hash, signature }: Checkpoint, publicKey: KeyObject): boolean {
  return verify(null, messageOf(n, hash), publicKey, Buffer.from(signature, "base64"));
}

/**
 * The key of an audit, made on its first use.
 * @throws Error when it can't be read or written
 */
export function auditKey(dir: string): KeyObject {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const file = join(dir, auditFiles.key);
  if (!existsSync(file)) {
    const { privateKey, publicKey } = generateKeyPairSync("ed25519");
    writeFileSync(join(dir, auditFiles.publicKey), publicKey.export({ type: "spki", format: "pem" }), {
      mode: 0o644,
    });
    // The last step: half of a pair is made anew.
    writeFileSync(file, privateKey.export({ type: "pkcs8", format: "pem" }), { mode: 0o600, flush: true });
  }
  return createPrivateKey(readFileSync(file));
}

/** Reads a public key. @throws Error when it is none */
export function readPublicKey(file: string): KeyObject {
  return createPublicKey(readFileSync(file));
}

function messageOf(n: number, hash: string): Buffer {
  return Buffer.from(`sallyport audit checkpoint\n${n}\n${hash}\n`);
}
