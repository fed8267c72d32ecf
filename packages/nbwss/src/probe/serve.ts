import type { Timer } from "../clock.ts";
import type { AcceptedSocket, EndpointContext, ServedSocket } from "../endpoint/handshake.ts";
import { Socket } from "node:net";
import { probeQuestion, readProbeMessage, type ProbeAnswer, type ProbeQuestion } from "./protocol.ts";

/** What the owner of an endpoint decides of probes, and is told. */
export interface ProbeHandler<Identity> {
  /** Whose probes count together, against `maxProbesPerIdentity`. */
  keyOf(identity: Identity): string;
  /** A primary may probe, or may not now because there are too many. */
  accepted?(isBusy: boolean): void;
  /** A silence was asked for, and begins. */
  silent?(ms: number): void;
}

/** The probes that an endpoint has, by whose they are. */
export class ProbeCount {
  readonly #byKey = new Map<string, number>();
  #total = 0;

  /** All that there are. */
  get total(): number {
    return this.#total;
  }

  /** Takes a place, and returns what gives it back; undefined when there is none. */
  take(key: string, limits: { maxProbes: number; maxProbesPerIdentity: number }): (() => void) | undefined {
    const own = this.#byKey.get(key) ?? 0;
    if (this.#total >= limits.maxProbes || own >= limits.maxProbesPerIdentity) return undefined;
    this.#byKey.set(key, own + 1);
    this.#total += 1;
    return () => {
      const left = (this.#byKey.get(key) ?? 1) - 1;
      if (left === 0) this.#byKey.delete(key);
      else this.#byKey.set(key, left);
      this.#total -= 1;
    };
  }
}

/**
 * Carries one probe from its token to its end: after each SILENCE nothing is sent for exactly so long, no ping either, then the answer. A
 * primary that breaks the rules, asks for nothing for `connectTimeoutMs`, or has asked `maxProbeSilences` times is closed.
 */
export function serveProbe<Identity>(
  context: EndpointContext<Identity>,
  accepted: AcceptedSocket,
  { probes, count }: { probes: ProbeHandler<Identity>; count: ProbeCount },
): ServedSocket {
  const { handler, limits, clock } = context;
  const { socket, stream, remoteAddress, trackingId } = accepted;
  let state: "token" | "checking" | "asked" | "silent" | "ended" = "token";
  let left = limits.maxProbeSilences;
  let timer: Timer | undefined;
  let giveBack: (() => void) | undefined;
  let ending = { code: 1006, reason: "" };

  // The kernel must not break the silence either.
  if (stream instanceof Socket) stream.setKeepAlive(false);
  // All that a probe ever has to say is less than what any other socket may say before it has proved itself.
  let received = 0;
  stream.on("data", (chunk: Buffer) => {
    received += chunk.length;
    if (received > limits.maxUnprovenBytes) socket.terminate();
  });

  function close(code: number, reason: string): void {
    if (state === "ended") return;
    state = "ended";
    ending = { code, reason };
    timer?.cancel();
    timer = clock.after(limits.closeTimeoutMs, () => socket.terminate());
    socket.close(code, reason);
  }

  function send(answer: ProbeAnswer): void {
    if (socket.readyState === socket.OPEN) socket.send(JSON.stringify(answer));
  }

  function awaitQuestion(next: "token" | "asked"): void {
    state = next;
    timer = clock.after(limits.connectTimeoutMs, () => close(1008, "nothing was asked for in time"));
  }

  /** Never rejects: a failure to look the token up closes the probe. */
  async function verify(token: string): Promise<void> {
    state = "checking";
    try {
      const identity = await handler.authenticate(token, { remoteAddress, trackingId });
      judge(identity);
    } catch {
      // The handler's own error is its owner's to log; the primary learns only that it may come again.
      close(1011, "the token could not be checked; try again later");
    }
  }

  function judge(identity: Identity | undefined): void {
    // It may be gone by now: then there is nobody to take a place for.
    if (state !== "checking" || socket.readyState !== socket.OPEN) return;
    if (identity === undefined) {
      send({ type: "VERDICT", valid: false, busy: false, maxSilenceMs: 0 });
      close(1008, "the token was refused");
      handler.rejected?.({ remoteAddress, trackingId, ...ending });
      return;
    }
    accepted.proven();
    giveBack = count.take(probes.keyOf(identity), limits);
    const busy = giveBack === undefined;
    probes.accepted?.(busy);
    send({ type: "VERDICT", valid: true, busy, maxSilenceMs: limits.maxProbeSilenceMs });
    if (busy) close(1013, "too many probes; try again later");
    else awaitQuestion("asked");
  }

  function keepSilent(ms: number): void {
    state = "silent";
    left -= 1;
    timer = clock.after(ms, () => {
      send({ type: "ANSWER", ms });
      awaitQuestion("asked");
    });
    probes.silent?.(ms);
  }

  function take(question: ProbeQuestion | undefined): void {
    if (state === "ended") return;
    timer?.cancel();
    if (question?.type === "TOKEN" && state === "token") return void verify(question.token);
    if (question?.type !== "SILENCE" || state !== "asked") return close(1008, "not allowed at this point");
    if (question.ms > limits.maxProbeSilenceMs)
      return close(1008, `at most ${limits.maxProbeSilenceMs} ms of silence`);
    if (left === 0) return close(1013, "enough was asked for; come again");
    keepSilent(question.ms);
  }

  socket.on("message", (data, isBinary) => {
    take(isBinary ? undefined : readProbeMessage(probeQuestion, (data as Buffer).toString("utf8")));
  });
  // `close` always follows.
  socket.on("error", () => {});
  awaitQuestion("token");
  const closed = new Promise<void>((resolve) => {
    socket.on("close", () => {
      state = "ended";
      timer?.cancel();
      accepted.proven();
      giveBack?.();
      resolve();
    });
  });
  return { close, closed };
}
