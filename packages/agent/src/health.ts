import { readFileSync } from "node:fs";
import { monitorEventLoopDelay } from "node:perf_hooks";
import type { Health } from "@sallyport/nbwss";
import { madeAtMs } from "./outbox/made-at.ts";
import type { Outbox } from "./outbox/outbox.ts";

const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
  version: string;
};

/** How the NBWSS service is, as its endpoints are told (Sallyport's extension, HEALTH). */
export class ServiceHealth implements Disposable {
  readonly #outbox: Pick<Outbox, "waiting" | "read" | "cursor">;
  readonly #now: () => number;
  readonly #lag = monitorEventLoopDelay({ resolution: 20 });

  /** @param now epoch ms */
  constructor(outbox: Pick<Outbox, "waiting" | "read" | "cursor">, now: () => number) {
    this.#outbox = outbox;
    this.#now = now;
    this.#lag.enable();
  }

  /** For one server group; the lag is that since the call before. */
  of(groupId: string): Omit<Health, "executing"> {
    const [oldest] = this.#outbox.read(this.#outbox.cursor(groupId), 1);
    // Below its own resolution it measures itself.
    const lagMs = Math.max(0, this.#lag.max / 1e6 - 20);
    this.#lag.reset();
    return {
      version,
      outboxDepth: this.#outbox.waiting(groupId),
      outboxAgeMs: oldest === undefined ? 0 : Math.max(0, Math.round(this.#now() - madeAtMs(oldest.id))),
      loopLagMs: Math.round(lagMs),
    };
  }

  [Symbol.dispose](): void {
    this.#lag.disable();
  }
}
