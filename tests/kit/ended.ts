import type { EventEmitter } from "node:events";

/** What `close` said; unlike `once`, it takes an error before it (a reset, say) for nothing special. */
export function ended(socket: EventEmitter): Promise<unknown[]> {
  return new Promise((resolve) => socket.once("close", (...what: unknown[]) => resolve(what)));
}
