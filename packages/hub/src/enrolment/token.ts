import { randomBytes } from "node:crypto";
import { hashSecret } from "../access/secret.ts";

/** A token that was just made. */
export interface NewToken {
  /** What the primary proves itself with; shown once. */
  token: string;
  /** What is kept of it. */
  tokenHash: string;
}

/** Makes a token of 256 random bits. */
export function newToken(): NewToken {
  const token = randomBytes(32).toString("base64");
  return { token, tokenHash: hashSecret(token) };
}

/** The name of a token in the API, logs and events: the beginning of its hash, which tells nothing of the token. */
export function tokenIdOf(tokenHash: string): string {
  return tokenHash.slice(0, 16);
}
