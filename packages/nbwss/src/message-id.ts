import { randomUUID } from "node:crypto";

/** A new id for a request: a random UUID in upper case, as every published example has it (NBWSS, envelope). */
export function newMessageId(): string {
  return randomUUID().toUpperCase();
}

let lastMs = 0;
let serial = 0;

/**
 * A new UUID that sorts after those made before it in this process (version 7 of RFC 9562), in lower case. Whoever stores such ids in an index
 * writes at its end; random ones are spread over all of it, which costs several times as much. For what is stored by its id:
 * notifications and events.
 * @param nowMs epoch ms, of which only the order matters; when it goes back, the ids go on from where they were
 */
export function newOrderedId(nowMs: number = Date.now()): string {
  if (nowMs > lastMs) {
    lastMs = nowMs;
    serial = 0;
  } else if (serial === 0xfff) {
    lastMs += 1;
    serial = 0;
  } else serial += 1;
  const time = lastMs.toString(16).padStart(12, "0");
  const count = serial.toString(16).padStart(3, "0");
  // The rest, with the two bits of the variant, is that of a random UUID.
  return `${time.slice(0, 8)}-${time.slice(8)}-7${count}${randomUUID().slice(18)}`;
}
