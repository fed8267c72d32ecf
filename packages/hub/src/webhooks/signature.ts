import { createHash, createHmac, randomBytes } from "node:crypto";

/** What begins every secret of Standard Webhooks. */
export const secretPrefix = "whsec_";
/** Within the 24 to 64 bytes that Standard Webhooks asks for. */
const secretBytes = 32;

/** The headers that Standard Webhooks adds to a request. */
export interface SignedHeaders {
  "webhook-id": string;
  "webhook-timestamp": string;
  "webhook-signature": string;
}

/** What is signed. */
export interface Message {
  id: string;
  /** Epoch ms. */
  atMs: number;
  body: string;
}

/** Makes a secret: `whsec_` and 32 random bytes in base64. */
export function newSecret(): string {
  return `${secretPrefix}${randomBytes(secretBytes).toString("base64")}`;
}

/**
 * What a receiver tells repeats by: the same for each attempt, redelivery and replay of an event. The event's own id will not do, since
 * a full stop, which it has, would make the signed text ambiguous.
 */
export function messageIdOf(eventId: string): string {
  return `msg_${createHash("sha256").update(eventId).digest("base64url").slice(0, 27)}`;
}

/**
 * Signs a message as Standard Webhooks 1.0 says: `v1,` and the HMAC-SHA256 of `id.timestamp.body` in base64, once for each secret.
 * @param secrets all that are valid now, newest first
 * @throws TypeError without a secret: nothing may go out unsigned
 */
export function signedHeaders({ id, atMs, body }: Message, secrets: readonly string[]): SignedHeaders {
  if (secrets.length === 0) throw new TypeError("there is no secret to sign with");
  const timestamp = String(Math.floor(atMs / 1000));
  const text = `${id}.${timestamp}.${body}`;
  const signatures = secrets.map((secret) => `v1,${hmac(secret, text)}`);
  return { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signatures.join(" ") };
}

function hmac(secret: string, text: string): string {
  const key = Buffer.from(secret.slice(secretPrefix.length), "base64");
  if (!secret.startsWith(secretPrefix) || key.length === 0) throw new TypeError("this is no webhook secret");
  return createHmac("sha256", key).update(text).digest("base64");
}
