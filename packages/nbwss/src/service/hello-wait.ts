import type { Clock } from "../clock.ts";
import type { Hello } from "../message.ts";

/** Waits for what the endpoint says of itself: HELLO, or nothing. */
export class HelloWait {
  readonly #said = Promise.withResolvers<Hello | undefined>();

  /** HELLO has come, or with undefined can't come any more; only the first counts. */
  settle(hello: Hello | undefined): void {
    this.#said.resolve(hello);
  }

  /** Resolves with undefined when nothing has come in time. */
  async within(timeoutMs: number, clock: Clock): Promise<Hello | undefined> {
    const tooLate = Promise.withResolvers<undefined>();
    const timer = clock.after(timeoutMs, () => tooLate.resolve(undefined));
    try {
      return await Promise.race([this.#said.promise, tooLate.promise]);
    } finally {
      timer.cancel();
    }
  }
}
