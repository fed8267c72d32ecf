import { hash, timingSafeEqual } from "node:crypto";

/** SHA-256 of a secret, hex. Enough for what is random; nothing else is kept of it. */
export function hashSecret(secret: string): string {
  return hash("sha256", secret);
}

/** Compares two hashes of `hashSecret` in a time that does not tell where they differ. */
export function sameHash(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a, "hex"), Buffer.from(b, "hex")];
  return left.length === right.length && timingSafeEqual(left, right);
}
