import { randomUUID } from "node:crypto";

/** A new id for a request: a random UUID in upper case, as every published example has it (NBWSS, envelope). */
export function newMessageId(): string {
  return randomUUID().toUpperCase();
}
