import { hash } from "node:crypto";

/** What was digested once and is still in use: an item on its way through the inbox is asked for more than once. */
const known = new WeakMap<object, string>();

/**
 * SHA-256 of a JSON value, hex; the order of an object's members means nothing (NBWSS, transport). The value must not be changed
 * afterwards.
 */
export function digestOf(value: unknown): string {
  if (typeof value !== "object" || value === null) return sha256(value);
  let digest = known.get(value);
  if (digest === undefined) {
    digest = sha256(value);
    known.set(value, digest);
  }
  return digest;
}

function sha256(value: unknown): string {
  return hash("sha256", JSON.stringify(ordered(value)), "hex");
}

function ordered(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(ordered);
  const members = value as Record<string, unknown>;
  // Without a prototype, so that a member named `__proto__` is one like all others.
  const sorted = Object.create(null) as Record<string, unknown>;
  for (const name of Object.keys(members).sort()) sorted[name] = ordered(members[name]);
  return sorted;
}
