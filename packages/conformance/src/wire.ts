import type { Clock } from "@sallyport/nbwss";
import { WebSocket } from "ws";
import { Failed } from "./check.ts";
import { problemsOfEnvelope, shown, type Incoming } from "./message.ts";

/** Notes of one kind about one connection; what goes beyond says nothing new. */
const maxNotes = 10;

/** How a WebSocket ended. */
export interface Ending {
  code: number;
  reason: string;
}

/** How a wire is made. */
export interface WireOptions {
  clock: Clock;
  /** False for a peer that has gone silent: pings stay unanswered. True unless said. */
  answersPings?: boolean;
}

/**
 * One open WebSocket to the peer under test. It can send what no decent peer sends, and keeps everything that comes, in order,
 * until a check takes it.
 */
export class Wire implements AsyncDisposable {
  /** Resolves when the socket is gone. */
  readonly closed: Promise<Ending>;
  /** What came and is no JSON object in a text message. */
  readonly garbage: string[] = [];
  /** What is wrong with the envelopes of messages that came, the first few. */
  readonly badEnvelopes: string[] = [];
  /** What `ws` says of frames that RFC 6455 forbids. */
  protocolError: string | undefined;
  /** Pings that came. */
  pings = 0;
  /** Payloads of the pongs that came. */
  readonly pongs: string[] = [];
  readonly #socket: WebSocket;
  readonly #clock: Clock;
  readonly #incoming: Incoming[] = [];
  readonly #looks = new Set<() => void>();
  #answersPings: boolean;
  #ending: Ending | undefined;

  constructor(socket: WebSocket, options: WireOptions) {
    this.#socket = socket;
    this.#clock = options.clock;
    this.#answersPings = options.answersPings ?? true;
    this.closed = new Promise((resolve) => {
      let failure = "";
      // `close` follows; the error is only its reason.
      socket.on("error", (error: NodeJS.ErrnoException) => {
        failure = error.message;
        if (error.code?.startsWith("WS_ERR_") === true) this.protocolError = `${error.code}: ${failure}`;
      });
      socket.on("close", (code, reason) => {
        this.#ending = { code, reason: reason.toString() || failure };
        resolve(this.#ending);
        this.#noteChange();
      });
    });
    socket.on("message", (data, isBinary) => this.#receive(data as Buffer, isBinary));
    socket.on("ping", (payload) => {
      this.pings += 1;
      if (this.#answersPings && this.isOpen) socket.pong(payload);
      this.#noteChange();
    });
    socket.on("pong", (payload) => {
      this.pongs.push(payload.toString());
      this.#noteChange();
    });
  }

  get isOpen(): boolean {
    return this.#socket.readyState === WebSocket.OPEN;
  }

  /** Whether this side plays dead, so that the peer is right to make another connection. */
  get isAbandoned(): boolean {
    return !this.#answersPings;
  }

  /** How the socket ended; undefined while it has not. */
  get ending(): Ending | undefined {
    return this.#ending;
  }

  /** Sends a value as compact JSON. */
  send(value: unknown): void {
    this.sendText(JSON.stringify(value));
  }

  /** Sends a text message with exactly these bytes, whether or not they are UTF-8. */
  sendText(text: string | Buffer): void {
    if (this.isOpen) this.#socket.send(text, { binary: false });
  }

  sendBinary(bytes: Buffer): void {
    if (this.isOpen) this.#socket.send(bytes, { binary: true });
  }

  /** Sends one text message in several frames. @param between is called after each but the last */
  sendFragments(parts: readonly (string | Buffer)[], between?: () => void): void {
    for (const [index, part] of parts.entries()) {
      const isLast = index === parts.length - 1;
      if (this.isOpen) this.#socket.send(part, { binary: false, fin: isLast });
      if (!isLast) between?.();
    }
  }

  ping(payload: string): void {
    if (this.isOpen) this.#socket.ping(payload);
  }

  /** Sends a ping and waits for its pong: the peer has then read what went before. @returns false when none came */
  async fence(withinMs: number): Promise<boolean> {
    const payload = `fence-${this.pongs.length}-${this.pings}`;
    this.ping(payload);
    const look = () => this.pongs.includes(payload) || undefined;
    return (await this.until(look, withinMs, { endsWithSocket: true })) === true;
  }

  /** Sends a pong that nobody asked for. */
  pong(payload: string): void {
    if (this.isOpen) this.#socket.pong(payload);
  }

  /** From now on pings stay unanswered: the peer sees a connection that is only half there. */
  fallSilent(): void {
    this.#answersPings = false;
  }

  /** Begins the close handshake. */
  close(code = 1000, reason = ""): void {
    this.#socket.close(code, reason);
  }

  /** Cuts the socket without a word. */
  cut(): void {
    this.#socket.terminate();
  }

  /** Takes the first message that fits, of those that came or will come. @throws Failed when none comes in time */
  async take(fits: (message: Incoming) => boolean, expected: string, withinMs: number): Promise<Incoming> {
    const found = await this.until(
      () => {
        const index = this.#incoming.findIndex(fits);
        return index === -1 ? undefined : this.#incoming.splice(index, 1)[0];
      },
      withinMs,
      { endsWithSocket: true },
    );
    if (found !== undefined) return found;
    throw new Failed(expected, this.#whatCame(withinMs));
  }

  /** Forgets the messages that fit, of those that came. */
  drop(fits: (message: Incoming) => boolean): void {
    const kept = this.#incoming.filter((message) => !fits(message));
    this.#incoming.splice(0, this.#incoming.length, ...kept);
  }

  /** Watches until `forMs` have passed or the socket ends. @throws Failed when a message comes that fits */
  async never(fits: (message: Incoming) => boolean, expected: string, forMs: number): Promise<void> {
    const found = await this.until(() => this.#incoming.find(fits), forMs, { endsWithSocket: true });
    if (found !== undefined) throw new Failed(expected, shown(found.text));
  }

  /** Waits for the socket's end. @param codes the close codes that are right; any when empty */
  async ends(expected: string, withinMs: number, codes: readonly number[] = []): Promise<Ending> {
    const ending = await this.until(() => this.#ending, withinMs);
    if (ending === undefined) throw new Failed(expected, `nothing; the connection stayed for ${withinMs} ms`);
    if (codes.length > 0 && !codes.includes(ending.code)) throw new Failed(expected, describeEnding(ending));
    return ending;
  }

  /** Looks now and whenever something happens. @returns undefined when nothing was found in time */
  async until<T>(
    look: () => T | undefined,
    withinMs: number,
    options: { endsWithSocket?: boolean } = {},
  ): Promise<T | undefined> {
    const { promise, resolve } = Promise.withResolvers<T | undefined>();
    const attempt = () => {
      const found = look();
      const isOver = options.endsWithSocket === true && this.#ending !== undefined;
      if (found !== undefined || isOver) resolve(found);
    };
    this.#looks.add(attempt);
    const timer = this.#clock.after(withinMs, () => resolve(look()));
    attempt();
    try {
      return await promise;
    } finally {
      timer.cancel();
      this.#looks.delete(attempt);
    }
  }

  /** Closes in good order, and cuts a peer that does not answer the handshake within a second. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#ending !== undefined) return;
    this.#socket.close(1000, "the check is over");
    const timer = this.#clock.after(1_000, () => this.#socket.terminate());
    await this.closed;
    timer.cancel();
  }

  #receive(data: Buffer, isBinary: boolean): void {
    const text = data.toString();
    const value = isBinary ? undefined : parse(text);
    if (value === undefined && this.garbage.length < maxNotes) {
      this.garbage.push(isBinary ? `a binary message of ${data.length} bytes` : `no JSON: ${shown(text)}`);
    } else if (value !== undefined) {
      this.#incoming.push({ text, value });
      const problems = problemsOfEnvelope(value);
      if (problems.length > 0 && this.badEnvelopes.length < maxNotes) {
        this.badEnvelopes.push(`${problems.join("; ")} in ${shown(text)}`);
      }
    }
    this.#noteChange();
  }

  #noteChange(): void {
    for (const look of this.#looks) look();
  }

  #whatCame(withinMs: number): string {
    const others = [...this.#incoming.map(({ text }) => shown(text)), ...this.garbage].slice(-3);
    const seen = others.length === 0 ? "" : `; before that: ${others.join(" ")}`;
    if (this.#ending !== undefined) return `${describeEnding(this.#ending)}${seen}`;
    return `nothing that fits within ${withinMs} ms${seen}`;
  }
}

/** An ending for people. */
export function describeEnding({ code, reason }: Ending): string {
  return `the end of the connection with ${code}${reason === "" ? "" : ` "${reason}"`}`;
}

function parse(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) {
      return value as Record<string, unknown>;
    }
  } catch {
    // Told by the undefined: the check that waits for a message says what came instead.
  }
  return undefined;
}
