import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { request } from "node:https";
import { adminKey, type HubFixture } from "./hub-fixture.ts";

/** One server-sent event as it came. */
export interface SseEvent {
  event: string;
  id: string | undefined;
  data: string;
}

/** A reader of the hub's stream that can stop to read, as a stalled program does. */
export class SseReader implements AsyncDisposable {
  readonly response: IncomingMessage;
  readonly events: SseEvent[] = [];
  /** All that came, comments included. */
  text = "";
  readonly #waiting: { is: () => boolean; resolve: () => void }[] = [];
  #rest = "";

  private constructor(response: IncomingMessage) {
    this.response = response;
    response.on("data", (chunk: Buffer) => this.#take(chunk.toString()));
    // A reader that is destroyed, or whose server goes, ends here too.
    response.on("error", () => {});
    response.on("close", () => this.#tell());
  }

  /** Opens a stream; `isPaused` takes nothing until `resume`. */
  static async open(
    fixture: HubFixture,
    query: string,
    options: { key?: string; headers?: Record<string, string>; isPaused?: boolean } = {},
  ): Promise<SseReader> {
    const { hostname, port } = new URL(fixture.url);
    const headers = { authorization: `Bearer ${options.key ?? adminKey}`, ...options.headers };
    const path = `/api/v1/notifications/stream${query}`;
    const outgoing = request({ hostname, port, path, ca: fixture.ca, agent: false, headers });
    outgoing.end();
    const [response] = (await once(outgoing, "response")) as [IncomingMessage];
    const reader = new SseReader(response);
    if (options.isPaused === true) response.pause();
    return reader;
  }

  get isEnded(): boolean {
    return this.response.destroyed;
  }

  resume(): void {
    this.response.resume();
  }

  /** Waits until something is so; it is looked at after each chunk and at the end. */
  until(is: () => boolean): Promise<void> {
    if (is()) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ is, resolve }));
  }

  /** The positions of the CloudEvents that came. */
  positions(): number[] {
    return this.events.filter(({ event }) => event === "message").map(({ id }) => Number(id));
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.response.destroy();
    return Promise.resolve();
  }

  #take(text: string): void {
    this.text += text;
    const blocks = (this.#rest + text).split("\n\n");
    this.#rest = blocks.pop() ?? "";
    for (const block of blocks) {
      const fields = new Map(
        block.split("\n").map((line) => line.split(/: ?(.*)/s, 2) as [name: string, value: string]),
      );
      const data = fields.get("data");
      if (data !== undefined)
        this.events.push({ event: fields.get("event") ?? "message", id: fields.get("id"), data });
    }
    this.#tell();
  }

  #tell(): void {
    for (const waiting of this.#waiting.slice()) {
      if (!waiting.is()) continue;
      this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
      waiting.resolve();
    }
  }
}
