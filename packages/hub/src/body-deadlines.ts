import type { IncomingMessage, ServerResponse } from "node:http";
import type { Clock, Timer } from "@sallyport/nbwss";
import { hasBody } from "./request-body.ts";

/**
 * How long a request may take to arrive; then it is answered 408 and cut. In place of Node's own time-out, which knows no request that may
 * take longer: an upload that streams through.
 */
export class BodyDeadlines {
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #timers = new WeakMap<IncomingMessage, Timer>();

  constructor(clock: Clock, timeoutMs: number) {
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
  }

  /** Begins to watch a request whose head has come. */
  watch(request: IncomingMessage, response: ServerResponse): void {
    if (!hasBody(request)) return;
    const timer = this.#clock.after(this.#timeoutMs, () => this.#expire(request, response));
    this.#timers.set(request, timer);
    const end = () => timer.cancel();
    request.once("end", end).once("close", end);
    // Answered before it was whole: the rest is bounded too, and nothing tells of its end but the socket's.
    response.once("close", () => {
      if (request.complete || request.socket.destroyed) end();
      else request.socket.once("close", end);
    });
  }

  /** Lets a request take its time. */
  lift(request: IncomingMessage): void {
    this.#timers.get(request)?.cancel();
  }

  #expire(request: IncomingMessage, response: ServerResponse): void {
    if (request.complete || response.headersSent) {
      if (!request.complete) request.destroy();
      return;
    }
    response.writeHead(408, { Connection: "close", "Content-Length": 0 });
    response.end(() => request.destroy());
  }
}
