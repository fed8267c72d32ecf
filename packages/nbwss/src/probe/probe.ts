import { Socket } from "node:net";
import type { WebSocket } from "ws";
import { systemClock, type Clock } from "../clock.ts";
import type { CloseInfo } from "../close-codes.ts";
import { NbwssError } from "../errors.ts";
import { defaultLimits, type NbwssLimits } from "../limits.ts";
import { parseEndpointUrl, type DialOptions } from "../service/dial.ts";
import { opened, openSocket, toDialError } from "../service/socket.ts";
import { probeAnswer, probeProtocol, readProbeMessage, type ProbeAnswer } from "./protocol.ts";

/** How an endpoint is probed. */
export type ProbeOptions = Pick<DialOptions, "url" | "token" | "tls" | "proxy" | "signal" | "clock"> & {
  limits?: Partial<Pick<NbwssLimits, "dialTimeoutMs">>;
};

/** What came of a silence. */
export type SilenceOutcome =
  /** The endpoint's answer came: a connection may be silent for so long. */
  | { kind: "answered" }
  /** The connection was cut without a close handshake, so long after the silence had begun. */
  | { kind: "cut"; afterMs: number }
  /** The answer did not come: something on the way has forgotten the connection, and tells nobody. */
  | { kind: "lost" }
  /** The endpoint ended the probe, which says nothing of the way. */
  | { kind: "ended"; reason: string };

/** More than a whole probe has to say, bytes. */
const maxPayload = 16 * 1024;

type Event = { kind: "message"; answer: ProbeAnswer | undefined } | { kind: "closed"; info: CloseInfo };

/**
 * A socket of its own beside the primary's connection, on which the endpoint is asked to be silent for a time (`sallyport.probe.v1`). Use:
 * `open`, `ask` one after the other until the outcome is not `answered`, `close`.
 */
export class Probe implements Disposable {
  /** The longest silence that the endpoint grants, ms. */
  readonly maxSilenceMs: number;
  readonly #socket: ProbeSocket;

  private constructor(socket: ProbeSocket, maxSilenceMs: number) {
    this.#socket = socket;
    this.maxSilenceMs = maxSilenceMs;
  }

  /**
   * Opens a probe; when it resolves, the endpoint has accepted the token.
   * @throws NbwssError `invalid_url`, `dial_failed`, `connect_timeout`, `cancelled`, `token_refused`, `busy`, or `probe_unsupported` by an
   *   endpoint that does not know the subprotocol: to that the token was not sent, unless it selects whatever is offered
   */
  static async open(options: ProbeOptions): Promise<Probe> {
    const url = parseEndpointUrl(options.url);
    const { dialTimeoutMs } = { ...defaultLimits, ...options.limits };
    const { tls, proxy, signal, token, clock = systemClock } = options;
    if (signal?.aborted === true) throw cancelled();
    const websocket = openSocket(url, { tls, proxy, protocol: probeProtocol, maxPayload });
    const late = new AbortController();
    const timer = clock.after(dialTimeoutMs, () => late.abort());
    const giveUp = () => websocket.terminate();
    const signals = signal === undefined ? [late.signal] : [late.signal, signal];
    for (const one of signals) one.addEventListener("abort", giveUp);
    try {
      let isSelected = false;
      const stream = await opened(websocket, (headers) => {
        isSelected = headers["sec-websocket-protocol"] === probeProtocol;
      });
      if (stream instanceof Socket) stream.setKeepAlive(false);
      const socket = new ProbeSocket(websocket);
      if (!isSelected) throw unsupported(url);
      websocket.send(JSON.stringify({ type: "TOKEN", token }));
      return new Probe(socket, verdictOf(await socket.next(), url));
    } catch (error) {
      bidFarewell(websocket);
      // Asked once more, since much may have happened meanwhile.
      if (signals.some((one) => one !== late.signal && one.aborted)) throw cancelled();
      if (!late.signal.aborted) throw toDialError(error, url);
      throw new NbwssError("connect_timeout", `${url.host} has not answered within ${dialTimeoutMs} ms`);
    } finally {
      timer.cancel();
      for (const one of signals) one.removeEventListener("abort", giveUp);
    }
  }

  /**
   * Asks for a silence, and is silent too.
   * @param ms at most `maxSilenceMs`
   * @param terms how much longer the answer is waited for, ms; `signal` gives up
   * @throws NbwssError `cancelled`
   */
  async ask(
    ms: number,
    terms: { clock: Clock; patienceMs: number; signal: AbortSignal },
  ): Promise<SilenceOutcome> {
    const { clock, patienceMs, signal } = terms;
    if (signal.aborted) throw cancelled();
    const beganMs = clock.monotonicMs();
    this.#socket.send(JSON.stringify({ type: "SILENCE", ms }));
    const given = Promise.withResolvers<"late" | "aborted">();
    const timer = clock.after(ms + patienceMs, () => given.resolve("late"));
    const abort = () => given.resolve("aborted");
    signal.addEventListener("abort", abort);
    try {
      const event = await Promise.race([this.#socket.next(), given.promise]);
      if (event === "aborted") throw cancelled();
      if (event === "late") return { kind: "lost" };
      if (event.kind === "message") return answerOf(event.answer, ms);
      const { code, reason } = event.info;
      if (code !== 1006) return { kind: "ended", reason: `closed with ${code} ${reason}`.trimEnd() };
      return { kind: "cut", afterMs: Math.round(clock.monotonicMs() - beganMs) };
    } finally {
      timer.cancel();
      signal.removeEventListener("abort", abort);
    }
  }

  /** Ends it. */
  [Symbol.dispose](): void {
    this.#socket.end();
  }
}

/** What comes on a socket, one after the other. */
class ProbeSocket {
  readonly #socket: WebSocket;
  readonly #events: Event[] = [];
  #waiting: ((event: Event) => void) | undefined;

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on("message", (data, isBinary) => {
      const answer = isBinary ? undefined : readProbeMessage(probeAnswer, (data as Buffer).toString("utf8"));
      this.#push({ kind: "message", answer });
    });
    socket.on("close", (code, reason) => {
      this.#push({ kind: "closed", info: { code, reason: reason.toString() } });
    });
  }

  send(text: string): void {
    // On a socket that is gone, the end is what comes next.
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.send(text);
  }

  next(): Promise<Event> {
    const [event] = this.#events.splice(0, 1);
    if (event !== undefined) return Promise.resolve(event);
    return new Promise((resolve) => {
      this.#waiting = resolve;
    });
  }

  end(): void {
    bidFarewell(this.#socket);
  }

  #push(event: Event): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting === undefined) this.#events.push(event);
    else waiting(event);
  }
}

/** The endpoint learns that it was meant; `ws` cuts what does not answer. */
function bidFarewell(socket: WebSocket): void {
  if (socket.readyState === socket.OPEN) socket.close(1000, "done");
  else socket.terminate();
}

/** @throws NbwssError `token_refused`, `busy`, `probe_unsupported`, `dial_failed` */
function verdictOf(event: Event, url: URL): number {
  if (event.kind === "message") {
    const { answer } = event;
    if (answer?.type !== "VERDICT") throw unsupported(url);
    if (!answer.valid)
      throw new NbwssError(
        "token_refused",
        "the endpoint does not accept the token; get new endpoint details",
      );
    if (answer.busy) throw new NbwssError("busy", `${url.host} has too many probes; try again later`);
    return answer.maxSilenceMs;
  }
  const { code, reason } = event.info;
  // An endpoint that selects whatever is offered takes TOKEN for a message of NBWSS that it does not know.
  if ([1002, 1003, 1007, 1008].includes(code)) throw unsupported(url);
  throw new NbwssError("dial_failed", `${url.host} ended the probe (${code} ${reason})`);
}

function answerOf(answer: ProbeAnswer | undefined, ms: number): SilenceOutcome {
  if (answer?.type === "ANSWER" && answer.ms === ms) return { kind: "answered" };
  return { kind: "ended", reason: "the endpoint answered what was not asked for" };
}

function unsupported(url: URL): NbwssError {
  return new NbwssError(
    "probe_unsupported",
    `${url.host} does not offer ${probeProtocol}: it is an endpoint of NBWSS 1.0 alone`,
  );
}

function cancelled(): NbwssError {
  return new NbwssError("cancelled", "probing was given up");
}
