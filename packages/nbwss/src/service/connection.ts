import { failureAnswer, writeCommandAnswer, type CommandAnswer } from "../answer.ts";
import type { Timer } from "../clock.ts";
import type { CloseInfo } from "../close-codes.ts";
import { decodeMessage } from "../codec.ts";
import { DecodeError, NbwssError } from "../errors.ts";
import { answerStream } from "../extension/answers.ts";
import { HeldBodies } from "../extension/held-bodies.ts";
import type { HeadFrame } from "../extension/frame.ts";
import type { Stream } from "../extension/stream.ts";
import { Streams } from "../extension/streams.ts";
import { Heartbeat, type HeartbeatPace } from "../heartbeat.ts";
import { newMessageId } from "../message-id.ts";
import type { CommandRequest, Gap, Hello, Message, Move, NotificationEntry, Resume } from "../message.ts";
import { RequestTable, type WaitOptions } from "../request-table.ts";
import { HelloWait } from "./hello-wait.ts";
import type { ServiceConnectionOptions } from "./handler.ts";
import { nextServiceState, type ServiceEffect, type ServiceEvent, type ServiceState } from "./rules.ts";

/** A longer answer is given up alone where there is no room for it, UTF-16 units. */
const longAnswerUnits = 64 * 1024;

/** A connection from a primary to an endpoint, as the primary sees it. Made by `dialEndpoint`. */
export class ServiceConnection {
  /** Resolves when the connection is gone. */
  readonly closed: Promise<CloseInfo>;
  /** What the endpoint calls this connection, when it said so: to be logged, and told to its operator. */
  readonly trackingId: string | undefined;
  /** Whether both ends speak `sallyport.v1`. */
  readonly extended: boolean;
  readonly #options: ServiceConnectionOptions;
  readonly #notifications: RequestTable<void>;
  readonly #heartbeat: Heartbeat;
  #aliveAtMs: number;
  #probes: ((isAlive: boolean) => void)[] = [];
  readonly #gone = new AbortController();
  readonly #streams: Streams | undefined;
  readonly #aborts = new Map<number, AbortController>();
  readonly #executing = new Set<string>();
  readonly #held: HeldBodies;
  #lateAcknowledgement: ((id: string) => void) | undefined;
  #state: ServiceState;
  #move: Move | undefined;
  #moveTimer: Timer | undefined;
  #isMoveDue = false;
  #ignored = 0;
  #healthTimer: Timer | undefined;
  readonly #hello = new HelloWait();
  #verdict: { resolve(): void; reject(error: Error): void } | undefined;

  constructor(options: ServiceConnectionOptions) {
    const { channel, clock, limits, terms } = options;
    this.#options = options;
    this.trackingId = terms.trackingId;
    this.extended = terms.extended;
    this.#state = { name: "awaiting-verdict", id: newMessageId(), extended: terms.extended };
    this.#aliveAtMs = clock.monotonicMs();
    this.#held = new HeldBodies(limits.maxHeldBodyBytes);
    this.#notifications = new RequestTable(clock, limits.maxInFlight);
    this.#heartbeat = new Heartbeat({
      clock,
      pace: { intervalMs: limits.pingIntervalMs, maxMissed: limits.maxMissedPongs },
      ping: () => channel.ping(),
      dead: () => this.#cutSilent(),
    });
    if (terms.extended) {
      this.#streams = new Streams({
        channel,
        clock,
        limits,
        stalled: () => options.handler.stalled?.(),
        opened: (id) => ({ failed: () => this.#aborts.get(id)?.abort() }),
        head: (stream, frame) => this.#onRequest(stream, frame),
      });
    }
    channel.listen({
      text: (text) => this.#onText(text),
      binary: (data) => this.#onBinary(data),
      alive: () => this.#onAlive(),
    });
    this.closed = channel.closed.then((info) => this.#onGone(info));
  }

  get isOpen(): boolean {
    return this.#state.name === "established" && this.#options.channel.isOpen;
  }

  /** Commands that run and are not answered yet. */
  get executing(): number {
    return this.#executing.size;
  }

  /** Whether the endpoint has closed with 1009: something that it was sent was too large for it, a notification or an answer. */
  get refusedTooLarge(): boolean {
    return this.#options.channel.peerCloseCode === 1009;
  }

  /** Messages and frames of a later version of the extension that were ignored. */
  get ignored(): number {
    return this.#ignored;
  }

  /** How long the endpoint has been silent, ms. */
  get silentMs(): number {
    return this.#options.clock.monotonicMs() - this.#aliveAtMs;
  }

  /** What the endpoint asked for when it had to go; whoever dials next should spread its tries over its window. */
  get move(): Move | undefined {
    return this.#move;
  }

  /** Sends CONNECT and waits for the verdict; `dialEndpoint` calls it, once. */
  connect(token: string): Promise<void> {
    const state = this.#state;
    if (state.name !== "awaiting-verdict" || this.#verdict !== undefined) {
      return Promise.reject(new NbwssError("not_established", "this connection was used already"));
    }
    return new Promise((resolve, reject) => {
      this.#verdict = { resolve, reject };
      const envelope = this.#envelope(state.id);
      this.#options.channel.send({ ...envelope, type: "CONNECT", subType: "REQUEST", payload: { token } });
    });
  }

  /**
   * Sends a notification and waits until the endpoint has acknowledged it, which means that it is safely stored there
   * (NBWSS, NOTIFICATION).
   * @param id a UUID; the same for every resend, so that the endpoint knows it again
   * @param position its place in the journal; only after `resume`, and then always
   * @throws NbwssError `timeout`, `lost`, `busy`, `not_established`, `cancelled`, `too_large`: in each case it has to be sent again
   */
  notify(id: string, entries: NotificationEntry[], wait: WaitOptions, position?: number): Promise<void> {
    const numbered = position === undefined ? {} : { position };
    const what = { type: "NOTIFICATION", subType: "REQUEST", payload: entries, ...numbered } as const;
    return this.#deliver({ ...this.#envelope(id), ...what }, wait);
  }

  /**
   * Waits for what the endpoint says of itself when it knows the extension.
   * @returns undefined when nothing has come within `timeoutMs`, at once when the extension is not spoken or the connection has ended
   */
  async hello(timeoutMs: number): Promise<Hello | undefined> {
    if (!this.extended || !this.isOpen) return undefined;
    return this.#hello.within(timeoutMs, this.#options.clock);
  }

  /**
   * Says where it goes on, once, to an endpoint whose HELLO has `resume`; every notification after it has a position, and goes out in that
   * order (Sallyport's extension, RESUME).
   * @throws NbwssError `not_established`, `busy`: nothing was sent
   */
  resume(payload: Resume): void {
    const envelope = this.#envelope(newMessageId());
    this.#options.channel.send({ ...envelope, type: "SALLYPORT", subType: "RESUME", payload });
  }

  /**
   * Tells of notifications that are no longer there, in their place, and waits until that is safely stored (Sallyport's extension, GAP).
   * @throws NbwssError as `notify`
   */
  announceGap(id: string, payload: Gap, wait: WaitOptions): Promise<void> {
    return this.#deliver({ ...this.#envelope(id), type: "SALLYPORT", subType: "GAP", payload }, wait);
  }

  #deliver(message: Message, wait: WaitOptions): Promise<void> {
    if (!this.isOpen) {
      return Promise.reject(new NbwssError("not_established", "the connection has ended; nothing was sent"));
    }
    return this.#notifications.request(message.id, () => this.#options.channel.send(message), wait);
  }

  /**
   * Tells of acknowledgements that `notify` has stopped waiting for: the notification is stored all the same, and need not be sent
   * again. Of ids that were never sent, too. Replaces the listener before.
   */
  onLateAcknowledgement(listener: (id: string) => void): void {
    this.#lateAcknowledgement = listener;
  }

  /** Pings at another pace from now on (NBWSS, keep-alive). */
  setKeepAlive(pace: HeartbeatPace): void {
    this.#heartbeat.setPace(pace);
  }

  /**
   * Pings now and waits for any sign of life.
   * @returns false when none came within `timeoutMs`, or the connection has ended; it is not cut
   */
  async probe(timeoutMs: number): Promise<boolean> {
    if (!this.isOpen) return false;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const timer = this.#options.clock.after(timeoutMs, () => resolve(false));
    this.#probes.push(resolve);
    this.#options.channel.ping();
    try {
      return await promise;
    } finally {
      timer.cancel();
    }
  }

  /** Cuts the connection without a close handshake, for an endpoint that does not answer any more. */
  cut(reason: string): void {
    this.#options.channel.cut(reason);
  }

  /** Closes the connection; calls that run are told through their signal. */
  async close(code = 1000, reason = "closed by the primary"): Promise<void> {
    this.#options.channel.close(code, reason);
    await this.closed;
  }

  #onAlive(): void {
    this.#aliveAtMs = this.#options.clock.monotonicMs();
    this.#heartbeat.alive();
    for (const answered of this.#probes.splice(0)) answered(true);
  }

  #cutSilent(): void {
    this.#options.channel.cut(`no sign of life for ${Math.round(this.silentMs)} ms`);
  }

  #envelope(id: string): Pick<Message, "version" | "id" | "timeStamp"> {
    return { version: "1.0", id, timeStamp: Math.floor(this.#options.clock.now() / 1000) };
  }

  #onText(text: string): void {
    try {
      this.#step({ kind: "message", message: decodeMessage(text, this.#options.limits) });
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.#step({ kind: "undecodable", error });
    }
  }

  #onBinary(data: Buffer): void {
    if (this.#streams === undefined || this.#state.name !== "established") {
      const error = new DecodeError("not_text", "", "NBWSS 1.0 has no binary messages");
      this.#step({ kind: "undecodable", error });
      return;
    }
    try {
      this.#streams.receive(data);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.#step({ kind: "undecodable", error, isFrame: true });
    }
  }

  #step(event: ServiceEvent): void {
    const ignore = this.#options.handler.ignoreUndecodable ?? false;
    const [next, effects] = nextServiceState(this.#state, event, ignore);
    this.#state = next;
    for (const effect of effects) this.#carryOut(effect);
  }

  #carryOut(effect: ServiceEffect): void {
    switch (effect.kind) {
      case "establish":
        this.#heartbeat.start();
        this.#verdict?.resolve();
        return;
      case "report-refusal":
        this.#verdict?.reject(
          new NbwssError("token_refused", "the endpoint does not accept the token; get new endpoint details"),
        );
        return;
      case "execute":
        void this.#execute(effect.request);
        return;
      case "settle-notification":
        if (!this.#notifications.settle(effect.id, undefined)) this.#lateAcknowledgement?.(effect.id);
        return;
      case "move":
        this.#onMove(effect.move);
        return;
      case "take-hello":
        this.#hello.settle(effect.hello);
        this.#reportHealth(effect.hello.healthIntervalMs);
        return;
      case "ignore":
        this.#ignored += 1;
        this.#options.handler.ignored?.(effect.what, this.#ignored);
        return;
      case "report-undecodable":
        this.#options.handler.undecodable?.(effect.error);
        return;
      case "close":
        this.#options.channel.close(effect.code, effect.reason);
    }
  }

  /** @throws DecodeError `bad_frame` */
  #onRequest(stream: Stream, frame: HeadFrame): void {
    const key = String(stream.id);
    const abort = new AbortController();
    this.#aborts.set(stream.id, abort);
    const running = this.#executing.size;
    this.#executing.add(key);
    const answered = () => {
      this.#executing.delete(key);
      this.#aborts.delete(stream.id);
      this.#leaveWhenIdle();
    };
    const { handler, limits } = this.#options;
    const answering = answerStream(stream, frame, abort.signal, {
      maxWholeBodyBytes: limits.maxWholeBodyBytes,
      held: this.#held,
      refusalOf: (uri) => this.#refusalOf(uri, running),
      execute: (command, signal) => handler.execute(command, signal),
      notSent: (error) => handler.answerNotSent?.(error),
    });
    void answering.then(answered);
  }

  /** Why a command is not executed: where it leads, or how many run already beside it. */
  #refusalOf(uri: string, running: number): CommandAnswer | undefined {
    if (!uri.startsWith("/netbackup/")) {
      return failureAnswer(403, 403, "The request was refused: the path has to start with /netbackup/.");
    }
    const { maxServing } = this.#options.limits;
    if (running < maxServing) return undefined;
    return failureAnswer(503, 503, `${maxServing} commands are running already; try again later`);
  }

  /** Never rejects: every command is answered, or the connection is gone (NBWSS, COMMAND). */
  async #execute({ id, payload }: CommandRequest): Promise<void> {
    const key = id.toUpperCase();
    // The same id again while the first is running: the one answer serves both.
    if (this.#executing.has(key)) return;
    const refusal = this.#refusalOf(payload.uri, this.#executing.size);
    if (refusal !== undefined) {
      this.#answer(id, refusal);
      return;
    }
    const bytes = payload.parameters?.length ?? 0;
    if (!this.#held.take(bytes)) {
      this.#answer(id, failureAnswer(503, 503, "too many request bodies are held already; try again later"));
      return;
    }
    this.#executing.add(key);
    try {
      this.#answer(id, await this.#options.handler.execute(payload, this.#gone.signal));
    } catch (error) {
      this.#answer(id, failureAnswer(502, 502, `the call failed: ${(error as Error).message}`));
    } finally {
      this.#held.release(bytes);
      this.#executing.delete(key);
      this.#leaveWhenIdle();
    }
  }

  /** Goes on as before until the moment has come and what runs is answered (Sallyport's extension, MOVE). */
  #onMove(move: Move): void {
    this.#move = move;
    this.#moveTimer?.cancel();
    this.#moveTimer = this.#options.clock.after(move.delayMs, () => {
      this.#isMoveDue = true;
      this.#leaveWhenIdle();
    });
    this.#options.handler.moving?.(move);
  }

  /** At once, and then at this pace; a message that finds too much waiting is left out. */
  #reportHealth(intervalMs: number): void {
    const { handler, channel, clock } = this.#options;
    this.#healthTimer?.cancel();
    if (handler.health === undefined || !channel.isOpen) return;
    this.#healthTimer = clock.after(intervalMs, () => this.#reportHealth(intervalMs));
    // A timer has nobody who would catch what `send` throws.
    if (channel.waiting > 0 || channel.isFull) return;
    const payload = { ...handler.health(), executing: this.executing };
    channel.send({ ...this.#envelope(newMessageId()), type: "SALLYPORT", subType: "HEALTH", payload });
  }

  #leaveWhenIdle(): void {
    if (!this.#isMoveDue || this.#executing.size > 0) return;
    this.#options.channel.close(1012, this.#move?.reason ?? "");
  }

  #answer(id: string, answer: CommandAnswer): void {
    const { channel, handler } = this.#options;
    if (!channel.isOpen) return;
    const toMessage = (what: CommandAnswer): Message => ({
      ...this.#envelope(id),
      type: "COMMAND",
      subType: "RESPONSE",
      payload: writeCommandAnswer(what),
    });
    const send = (what: CommandAnswer) => channel.sendOrCut(toMessage(what));
    try {
      // Long answers of a slow line may find no room, each for itself; who reads not even short ones is no longer there.
      if (answer.body.length > longAnswerUnits) channel.send(toMessage(answer));
      else send(answer);
    } catch (error) {
      handler.answerNotSent?.(error);
      if (!(error instanceof NbwssError) || error.code !== "too_large") return;
      send(
        failureAnswer(
          502,
          502,
          `the answer of ${answer.body.length} characters is too large for one message`,
        ),
      );
    }
  }

  #onGone(info: CloseInfo): CloseInfo {
    this.#heartbeat.stop();
    for (const unanswered of this.#probes.splice(0)) unanswered(false);
    this.#moveTimer?.cancel();
    this.#healthTimer?.cancel();
    this.#hello.settle(undefined);
    this.#step({ kind: "gone" });
    const why = `the connection ended (${info.code}${info.reason === "" ? "" : ` ${info.reason}`})`;
    this.#verdict?.reject(new NbwssError("dial_failed", `${why} before the endpoint accepted`));
    this.#notifications.failAll(new NbwssError("lost", `${why} before the acknowledgement came`));
    this.#streams?.failAll(new NbwssError("lost", why));
    this.#gone.abort();
    return info;
  }
}
