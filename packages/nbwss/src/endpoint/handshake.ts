import type { Duplex } from "node:stream";
import type { WebSocket } from "ws";
import { Channel } from "../channel.ts";
import type { Clock, Timer } from "../clock.ts";
import { decodeMessage } from "../codec.ts";
import { DecodeError } from "../errors.ts";
import { Heartbeat } from "../heartbeat.ts";
import type { NbwssLimits } from "../limits.ts";
import type { GapMessage, NotificationRequest, Resume, Standing } from "../message.ts";
import { EndpointConnection } from "./connection.ts";
import {
  initialEndpointState,
  nextEndpointState,
  type EndpointEffect,
  type EndpointEvent,
  type EndpointState,
} from "./rules.ts";

/** Where a CONNECT comes from. */
export interface Introduction {
  remoteAddress: string;
  /** What both ends call the connection. */
  trackingId: string;
}

/** Why a socket was turned away. */
export interface Rejection extends Introduction {
  /** The close code that the endpoint gave, or 1006 when the peer just left. */
  code: number;
  reason: string;
}

/** The pace of HEALTH where nobody asked for it, ms: HELLO has to name one. */
const defaultHealthIntervalMs = 3_600_000;

/** What the owner of an endpoint decides and is told. */
export interface EndpointHandler<Identity> {
  /**
   * Who has this token; undefined when nobody. Has to take the same time for every wrong token. When it rejects, the connection
   * is closed with 1011 and the primary tries again later.
   */
  authenticate(token: string, from: Introduction): Promise<Identity | undefined>;
  /** A primary has proved itself; it may be sent commands from now on. */
  connected(connection: EndpointConnection<Identity>): void;
  /**
   * A notification came. When the promise resolves, it is acknowledged: resolve only when it is safely stored. When it
   * rejects it is not acknowledged, and the primary sends it again (NBWSS, NOTIFICATION).
   */
  notified(connection: EndpointConnection<Identity>, notification: NotificationRequest): Promise<void>;
  /**
   * How far what this primary has told is stored, durably; undefined when nothing is known. With it, primaries that speak `sallyport.v1` number their
   * notifications, send them in their order, and go on from here; `resumed` and `missed` are needed then, too.
   */
  standing?(identity: Identity): Standing | undefined;
  /** The primary has said where it goes on; comes once, before its first notification with a position. */
  resumed?(connection: EndpointConnection<Identity>, resume: Resume): void;
  /** Notifications are missing that the primary no longer has. When the promise resolves, that is acknowledged, as `notified`. */
  missed?(connection: EndpointConnection<Identity>, gap: GapMessage): Promise<void>;
  /** A socket ended without having proved itself. */
  rejected?(rejection: Rejection): void;
  /** A notification could not be stored; it was not acknowledged. */
  notStored?(connection: EndpointConnection<Identity>, error: unknown): void;
  /**
   * The primary speaks a later version of `sallyport.v1`: a message or frame came that is not known here, and was ignored.
   * @param count how many there were on this connection, this one included
   */
  ignored?(connection: EndpointConnection<Identity>, what: string, count: number): void;
  /** A response came that nobody waits for any more. */
  lateResponse?(connection: EndpointConnection<Identity>, id: string): void;
}

/** What the sockets of one endpoint share. */
export interface EndpointContext<Identity> {
  handler: EndpointHandler<Identity>;
  limits: NbwssLimits;
  clock: Clock;
  /** How often primaries that speak `sallyport.v1` say how they are, ms; an hour when undefined. */
  healthIntervalMs: number | undefined;
}

/** One upgraded socket. */
export interface AcceptedSocket {
  socket: WebSocket;
  /** The TLS or TCP stream under it. */
  stream: Duplex;
  remoteAddress: string;
  trackingId: string;
  /** Whether `sallyport.v1` was selected. */
  extended: boolean;
  /** Called when the socket no longer counts as unproven: it was accepted, or is gone. */
  proven(): void;
}

/** A socket that is being served. */
export interface ServedSocket {
  close(code: number, reason: string): void;
  /** Resolves when the socket is gone and everything about it was reported. */
  closed: Promise<void>;
}

/** Carries one socket from its first message to its end: feeds the rules and does what they say. */
export function serveSocket<Identity>(
  context: EndpointContext<Identity>,
  accepted: AcceptedSocket,
): ServedSocket {
  const { handler, limits, clock } = context;
  const { socket, stream, remoteAddress, trackingId, extended } = accepted;
  const terms = { extended, resume: handler.standing !== undefined };
  const channel = new Channel(socket, stream, limits, clock);
  const connectTimer: Timer = clock.after(limits.connectTimeoutMs, () => step({ kind: "connect-timeout" }));
  let state: EndpointState = initialEndpointState;
  let identity: Identity | undefined;
  let connection: EndpointConnection<Identity> | undefined;
  let refusalTimer: Timer | undefined;
  let serving = 0;
  let ignored = 0;

  // What is not proven yet must not make the hub hold large messages, whatever the bound for those who are.
  let unprovenBytes = 0;
  const countUnproven = (chunk: Buffer) => {
    unprovenBytes += chunk.length;
    if (unprovenBytes > limits.maxUnprovenBytes) channel.cut("too much was sent before CONNECT was accepted");
  };
  stream.on("data", countUnproven);

  const heartbeat = new Heartbeat({
    clock,
    pace: { intervalMs: limits.pingIntervalMs, maxMissed: limits.maxMissedPongs },
    ping: () => channel.ping(),
    dead: () => channel.cut(`no sign of life for ${limits.pingIntervalMs * (limits.maxMissedPongs + 1)} ms`),
  });

  function step(event: EndpointEvent): void {
    const [next, effects] = nextEndpointState(state, event, terms);
    state = next;
    for (const effect of effects) carryOut(effect);
  }

  function carryOut(effect: EndpointEffect): void {
    switch (effect.kind) {
      case "verify":
        connectTimer.cancel();
        void verify(effect.token);
        return;
      case "answer-connect":
        answerConnect(effect.id, effect.valid);
        return;
      case "establish":
        establish();
        return;
      case "arm-refusal-timeout":
        refusalTimer = clock.after(limits.refusalTimeoutMs, () => step({ kind: "refusal-timeout" }));
        return;
      case "settle-command":
        if (connection?.settleCommand(effect.id, effect.payload) === false) {
          handler.lateResponse?.(connection, effect.id);
        }
        return;
      case "deliver":
        void deliver(effect.notification.id, (from) => handler.notified(from, effect.notification));
        return;
      case "deliver-gap":
        void deliver(effect.gap.id, async (from) => handler.missed?.(from, effect.gap));
        return;
      case "resume":
        if (connection !== undefined) handler.resumed?.(connection, effect.resume);
        return;
      case "note-health":
        connection?.noteHealth(effect.health);
        return;
      case "ignore":
        ignored += 1;
        if (connection !== undefined) handler.ignored?.(connection, effect.what, ignored);
        return;
      case "close":
        closeWith(effect.code, effect.reason);
    }
  }

  function closeWith(code: number, reason: string): void {
    if (connection === undefined) channel.close(code, reason);
    else connection.close(code, reason);
  }

  /** Never rejects: a failure to look the token up closes the connection. */
  async function verify(token: string): Promise<void> {
    try {
      identity = await handler.authenticate(token, { remoteAddress, trackingId });
      step({ kind: "verdict", valid: identity !== undefined });
    } catch {
      // The handler's own error is its owner's to log; the primary learns only that it may come again.
      closeWith(1011, "the token could not be checked; try again later");
    }
  }

  function answerConnect(id: string, valid: boolean): void {
    const timeStamp = Math.floor(clock.now() / 1000);
    if (!channel.isOpen) return;
    channel.send({
      version: "1.0",
      id,
      type: "CONNECT",
      subType: "RESPONSE",
      timeStamp,
      payload: { valid },
    });
  }

  function establish(): void {
    if (identity === undefined || !channel.isOpen) return;
    accepted.proven();
    stream.off("data", countUnproven);
    connection = new EndpointConnection({
      identity,
      remoteAddress,
      terms: { trackingId, extended },
      channel,
      clock,
      limits,
      lateResponse: (id) => connection !== undefined && handler.lateResponse?.(connection, id),
    });
    heartbeat.start();
    greet(connection, identity);
    handler.connected(connection);
  }

  /** Says what this end knows beyond NBWSS 1.0, also that it wants no numbers: a primary waits for HELLO before its first notification. */
  function greet(to: EndpointConnection<Identity>, who: Identity): void {
    const { healthIntervalMs } = context;
    const resume = terms.resume ? { resume: handler.standing?.(who) ?? null } : {};
    to.greet({ healthIntervalMs: healthIntervalMs ?? defaultHealthIntervalMs, ...resume });
  }

  /** Never rejects: what could not be stored is reported and left unacknowledged. */
  async function deliver(
    id: string,
    store: (from: EndpointConnection<Identity>) => Promise<void>,
  ): Promise<void> {
    if (connection === undefined) return;
    serving += 1;
    if (serving >= limits.maxServing) channel.pause();
    try {
      await store(connection);
      if (channel.isOpen) connection.acknowledge(id);
    } catch (error) {
      handler.notStored?.(connection, error);
    } finally {
      serving -= 1;
      if (serving === limits.maxServing - 1) channel.resume();
    }
  }

  channel.listen({
    text(text) {
      // What still comes from a primary that was told to go counts for nothing.
      if (!channel.isOpen) return;
      try {
        step({ kind: "message", message: decodeMessage(text, limits) });
      } catch (error) {
        if (!(error instanceof DecodeError)) throw error;
        step({ kind: "undecodable", error });
      }
    },
    binary(data) {
      if (!channel.isOpen) return;
      try {
        if (!extended || connection === undefined) {
          throw new DecodeError("not_text", "", "NBWSS 1.0 has no binary messages");
        }
        connection.takeFrame(data);
      } catch (error) {
        if (!(error instanceof DecodeError)) throw error;
        step({ kind: "undecodable", error });
      }
    },
    alive() {
      heartbeat.alive();
      connection?.noteAlive();
    },
  });
  const closed = channel.closed.then((info) => {
    connectTimer.cancel();
    refusalTimer?.cancel();
    heartbeat.stop();
    accepted.proven();
    step({ kind: "gone" });
    if (connection === undefined) handler.rejected?.({ remoteAddress, trackingId, ...info });
    else connection.noteGone(info);
  });
  return { close: closeWith, closed };
}
