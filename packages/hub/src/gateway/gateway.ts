import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Clock, Command, CommandAnswer } from "@sallyport/nbwss";
import type { Logger } from "pino";
import type { Access } from "../access/access.ts";
import type { Audit } from "../audit/audit.ts";
import { maxAuditedPathCharacters } from "../audit/audit-events.ts";
import type { CommandStore } from "../commands/command-store.ts";
import type { HubLimits } from "../config/limits.ts";
import type { Credentials } from "../credentials/credentials.ts";
import { HubError } from "../errors.ts";
import type { Idempotency } from "../idempotency/idempotency.ts";
import type { BodyDeadlines } from "../body-deadlines.ts";
import { readTextBody, type BodyBudget } from "../request-body.ts";
import { writeAnswer, writeProblem } from "./answer.ts";
import { streamAnswer } from "./answer-stream.ts";
import { readCall, type Call } from "./call.ts";
import { endOf, toGatewayError, type CommandEnd } from "./command-errors.ts";
import type { CommandMetrics } from "./command-metrics.ts";
import { toCommandHeaders } from "./headers.ts";
import type { Relay } from "./relay.ts";
import { passOverRest, takeBody } from "./taken-body.ts";
import { parseTarget, type GatewayTarget } from "./uri.ts";

/** What the gateway needs. */
export interface GatewayOptions {
  access: Access;
  limits: HubLimits;
  clock: Clock;
  logger: Logger;
  audit: Audit;
  relay: Relay;
  metrics: CommandMetrics;
  budget: BodyBudget;
  deadlines: Pick<BodyDeadlines, "watch" | "lift">;
  credentials: Pick<Credentials, "send">;
  idempotency: Pick<Idempotency, "run">;
  commands: Pick<CommandStore, "accept" | "acceptedUnder">;
  /** Called when a stored command may be sent. */
  accepted: (primaryId: string) => void;
}

interface Outcome {
  status: number;
  end: CommandEnd;
}

/**
 * HTTP in, COMMAND out, and back (NBWSS, COMMAND). It copies path, headers and body, and parses none of them. It stands beside
 * the other routes, on `node:http` itself, for speed.
 */
export class Gateway {
  readonly #options: GatewayOptions;
  readonly #idle = Promise.withResolvers<void>();
  #running = 0;
  #draining = false;

  constructor(options: GatewayOptions) {
    this.#options = options;
  }

  /** Commands that run. */
  get running(): number {
    return this.#running;
  }

  /** Serves a request if it is the gateway's; false when it is somebody else's. */
  handle(request: IncomingMessage, response: ServerResponse): boolean {
    const target = parseTarget(request.url ?? "");
    if (target === undefined) return false;
    void this.#serve(request, response, target);
    return true;
  }

  /** Takes no new commands; resolves when those that run have ended. */
  drain(): Promise<void> {
    this.#draining = true;
    if (this.#running === 0) this.#idle.resolve();
    return this.#idle.promise;
  }

  /** Never rejects: every failure is an answer. */
  async #serve(request: IncomingMessage, response: ServerResponse, target: GatewayTarget): Promise<void> {
    const { access, limits } = this.#options;
    const id = randomUUID();
    try {
      const call = readCall(request, response, { id, target, access, limits });
      await this.#run(request, response, call);
    } catch (error) {
      response.setHeader("Sallyport-Command-Id", id);
      writeProblem(request, response, error);
    }
  }

  /** Runs one command to its one end, and writes that down. */
  async #run(request: IncomingMessage, response: ServerResponse, call: Call): Promise<void> {
    const startedAtMs = this.#options.clock.now();
    this.#running += 1;
    let outcome: Outcome = { status: 500, end: "failed" };
    try {
      outcome = await this.#answer(request, response, call);
    } catch (error) {
      const known = toGatewayError(error, call);
      outcome = { status: known.row.status, end: endOf(known) };
      if (known.code === "internal") this.#options.logger.error({ err: error }, "command.failed");
      if (!response.headersSent) response.setHeader("Sallyport-Command-Id", call.id);
      writeProblem(request, response, known);
    } finally {
      this.#running -= 1;
      if (this.#draining && this.#running === 0) this.#idle.resolve();
      this.#note(call, outcome, this.#options.clock.now() - startedAtMs);
    }
  }

  async #answer(request: IncomingMessage, response: ServerResponse, call: Call): Promise<Outcome> {
    const { limits, relay, budget, idempotency, commands, accepted } = this.#options;
    if (this.#draining) {
      const unsent = { mayHaveBeenExecuted: false, retryAfterS: 5 };
      throw new HubError("draining", "the hub is stopping; try again", unsent);
    }
    // Who is not there is told before the body is taken.
    const takesStreams = !call.isAsync && relay.takesStreams(call.primary);
    // What is kept is text, and whole.
    if (takesStreams && call.idempotencyKey === undefined) return this.#passOn(request, response, call);
    const begun = cancelOnceGone(response);
    const body = await readTextBody(request, limits.maxBodyBytes, budget);
    const command: Command = {
      uri: call.target.uri,
      method: call.method,
      headers: toCommandHeaders(request.rawHeaders),
    };
    if (body !== undefined) command.parameters = body;
    if (response.destroyed) {
      throw new HubError("cancelled", "the caller has gone", { mayHaveBeenExecuted: false });
    }
    if (call.method !== "GET") await this.#options.audit.record(entryOf(call, "started", null));
    if (call.isAsync) {
      const stored = await idempotency.run(call, body, {
        perform: (keyHash) => commands.accept(call, command, keyHash),
        recover: (keyHash, sinceMs) => commands.acceptedUnder(keyHash, sinceMs),
      });
      accepted(call.primary.id);
      return {
        status: writeAnswer(response, stored.answer, this.#more(call, stored.replayed)),
        end: "accepted",
      };
    }
    const send = () => this.#send(call, command, begun);
    if (call.idempotencyKey === undefined) {
      return { status: writeAnswer(response, await send(), this.#more(call)), end: "answered" };
    }
    const done = await idempotency.run(call, body, { perform: send });
    return { status: writeAnswer(response, done.answer, this.#more(call, done.replayed)), end: "answered" };
  }

  #send(call: Call, command: Command, begun: (cancel: () => void) => void): Promise<CommandAnswer> {
    const { credentials, relay } = this.#options;
    const { primary, timeoutMs, caller } = call;
    return credentials.send(primary, command, (authorized) =>
      relay.send({ primary, command: authorized, timeoutMs, caller: caller.id, begun }),
    );
  }

  /** Under `sallyport.v1`: bodies of any bytes, as they come and go. */
  async #passOn(request: IncomingMessage, response: ServerResponse, call: Call): Promise<Outcome> {
    const { limits, relay, budget, deadlines, credentials } = this.#options;
    const { primary, timeoutMs, caller, method, target } = call;
    const begun = cancelOnceGone(response);
    const taken = await takeBody(request, { limits, budget, deadlines });
    if (response.destroyed) {
      throw new HubError("cancelled", "the caller has gone", { mayHaveBeenExecuted: false });
    }
    if (method !== "GET") await this.#options.audit.record(entryOf(call, "started", null));
    const command = { uri: target.uri, method, headers: toCommandHeaders(request.rawHeaders), ...taken.body };
    try {
      const answer = await credentials.send(primary, command, (authorized) =>
        relay.open({ primary, command: authorized, timeoutMs, caller: caller.id, begun }),
      );
      const outcome = await streamAnswer(response, answer, this.#more(call));
      passOverRest(request, response, deadlines);
      return outcome;
    } catch (error) {
      throw taken.failure() ?? error;
    }
  }

  #more(call: Call, replayed = false) {
    const { limits } = this.#options;
    return { commandId: call.id, limits, headers: replayed ? ["Idempotency-Replayed", "true"] : [] };
  }

  #note(call: Call, { status, end }: Outcome, ms: number): void {
    const { logger, audit, metrics } = this.#options;
    const { id, target, method, caller } = call;
    metrics.note(end, ms);
    audit.note(entryOf(call, end, status));
    logger.info(
      {
        commandId: id,
        caller: caller.id,
        primary: target.primaryId,
        method,
        path: target.path,
        status,
        end,
        ms,
      },
      "command.answered",
    );
  }
}

/** Makes what is told how to end the wait that is under way: it is ended when the caller leaves, or has left already. */
function cancelOnceGone(response: ServerResponse): (cancel: () => void) => void {
  let current: (() => void) | undefined;
  response.once("close", () => current?.());
  return (cancel) => {
    current = cancel;
    if (response.destroyed) cancel();
  };
}

function entryOf(call: Call, result: string, status: number | null) {
  const { id, caller, from, target, method } = call;
  return {
    actor: { kind: caller.kind, id: caller.id, name: caller.name },
    from,
    action: `command ${method} ${target.path.slice(0, maxAuditedPathCharacters)}`,
    target: `/primaries/${target.primaryId}`,
    result,
    status,
    requestId: id,
  };
}
