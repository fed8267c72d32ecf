import { randomBytes, scrypt, timingSafeEqual, type ScryptOptions } from "node:crypto";
import { PrimaryError } from "../errors.ts";
import { limits } from "../limits.ts";

/** 32 MiB and about 100 ms for each try: what OWASP recommends at least, in Node's spelling. */
const cost = { N: 2 ** 15, r: 8, p: 3, maxmem: 64 * 1024 * 1024 };
const keyBytes = 32;

/**
 * Checks a password that somebody has chosen, before it is kept for the first time.
 * @throws PrimaryError `weak_password`
 */
export function checkNewPassword(password: string): void {
  const { minPasswordCharacters } = limits;
  if (Array.from(password.normalize("NFC")).length >= minPasswordCharacters) return;
  throw new PrimaryError(
    "weak_password",
    `the password has to have at least ${minPasswordCharacters} characters: choose a longer one, or none to have one made`,
  );
}

/** Hashes a password for keeping: `scrypt$N$r$p$salt$key`. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16);
  const key = await derive(password, salt, cost);
  return ["scrypt", cost.N, cost.r, cost.p, salt.toString("base64"), key.toString("base64")].join("$");
}

/** Whether a password is the one that was hashed, in time that does not depend on it. */
export async function verifyPassword(password: string, hash: string): Promise<boolean> {
  const [scheme, N, r, p, salt, key] = hash.split("$");
  if (scheme !== "scrypt" || salt === undefined || key === undefined) return false;
  const expected = Buffer.from(key, "base64");
  const parameters = { N: Number(N), r: Number(r), p: Number(p), maxmem: cost.maxmem };
  const actual = await derive(password, Buffer.from(salt, "base64"), parameters);
  return expected.length === actual.length && timingSafeEqual(expected, actual);
}

function derive(password: string, salt: Buffer, options: ScryptOptions): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(password.normalize("NFC"), salt, keyBytes, options, (error, key) => {
      if (error === null) resolve(key);
      else reject(error);
    });
  });
}
