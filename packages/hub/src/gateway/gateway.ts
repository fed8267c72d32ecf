import type { IncomingMessage, ServerResponse } from "node:http";
import { commandMethods, type Clock, type Command, type CommandAnswer } from "@sallyport/nbwss";
import type { Logger } from "pino";
import type { Access } from "../access/access.ts";
import { requireRole } from "../access/roles.ts";
import type { HubLimits } from "../config/limits.ts";
import type { PrimaryConnection } from "../connections/registry.ts";
import { HubError } from "../errors.ts";
import { problemAnswer } from "../problem.ts";
import type { PrimaryRecord } from "../views/primaries.ts";
import { BodyBudget, readTextBody } from "../request-body.ts";
import { endOf, toGatewayError, type CommandEnd } from "./command-errors.ts";
import { toAnswerHeaders, toCommandHeaders } from "./headers.ts";
import { parseTarget, requireNormalised, type GatewayTarget } from "./uri.ts";

/** What the gateway needs. */
export interface GatewayOptions {
  access: Access;
  limits: HubLimits;
  clock: Clock;
  logger: Logger;
  findConnection(primary: PrimaryRecord): PrimaryConnection | undefined;
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
  readonly #budget: BodyBudget;
  readonly #idle = Promise.withResolvers<void>();
  #running = 0;
  #draining = false;

  constructor(options: GatewayOptions) {
    this.#options = options;
    this.#budget = new BodyBudget(options.limits.maxHeldBodyBytes);
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
    try {
      const { access } = this.#options;
      const caller = access.identify(request);
      const method = requireMethod(request, response);
      requireNormalised(target);
      const timeoutMs = this.#timeoutOf(request);
      const primary = access.requirePrimary(caller, target.primaryId);
      if (method !== "GET") requireRole(caller, "operator");
      await this.#run(request, response, { target, method, timeoutMs, primary });
    } catch (error) {
      answerProblem(request, response, error);
    }
  }

  /** Runs one command to its one end, and writes that down. */
  async #run(request: IncomingMessage, response: ServerResponse, call: Call): Promise<void> {
    const { clock, logger } = this.#options;
    const startedAtMs = clock.now();
    this.#running += 1;
    let outcome: Outcome = { status: 500, end: "failed" };
    try {
      const answer = await this.#command(request, response, call);
      outcome = { status: writeAnswer(response, answer, this.#options.limits), end: "answered" };
    } catch (error) {
      const known = toGatewayError(error, call.method);
      outcome = { status: known.row.status, end: endOf(known) };
      if (known.code === "internal") logger.error({ err: error }, "command.failed");
      answerProblem(request, response, known);
    } finally {
      this.#running -= 1;
      if (this.#draining && this.#running === 0) this.#idle.resolve();
      const ms = clock.now() - startedAtMs;
      const { target, method } = call;
      logger.info(
        { primary: target.primaryId, method, path: target.path, ...outcome, ms },
        "command.answered",
      );
    }
  }

  async #command(request: IncomingMessage, response: ServerResponse, call: Call): Promise<CommandAnswer> {
    const { limits } = this.#options;
    const unsent = { mayHaveBeenExecuted: false, retryAfterS: 5 };
    if (this.#draining) throw new HubError("draining", "the hub is stopping; try again", unsent);
    const connection = this.#options.findConnection(call.primary);
    if (connection === undefined) throw new HubError("not_connected", "the primary is not connected", unsent);
    if (connection.inFlight >= limits.maxCommandsPerPrimary) {
      const message = `${connection.inFlight} commands wait on this primary already; try again later`;
      throw new HubError("busy", message, { ...unsent, retryAfterS: 1 });
    }
    let cancel: (() => void) | undefined;
    response.once("close", () => cancel?.());
    const body = await readTextBody(request, limits.maxMessageBytes, this.#budget);
    const command: Command = {
      uri: call.target.uri,
      method: call.method,
      headers: toCommandHeaders(request.rawHeaders),
    };
    if (body !== undefined) command.parameters = body;
    if (response.destroyed) throw new HubError("cancelled", "the caller has gone", unsent);
    return connection.command(command, {
      timeoutMs: call.timeoutMs,
      begun: (cancelIt) => (cancel = cancelIt),
    });
  }

  #timeoutOf(request: IncomingMessage): number {
    const { defaultCommandTimeoutMs, maxCommandTimeoutMs } = this.#options.limits;
    const given = request.headers["sallyport-timeout"];
    if (given === undefined) return defaultCommandTimeoutMs;
    const timeoutMs = typeof given === "string" && /^\d{1,9}$/.test(given) ? Number(given) : 0;
    if (timeoutMs >= 1 && timeoutMs <= maxCommandTimeoutMs) return timeoutMs;
    throw new HubError(
      "bad_request",
      `Sallyport-Timeout has to be a number of milliseconds from 1 to ${maxCommandTimeoutMs}`,
    );
  }
}

interface Call {
  target: GatewayTarget;
  method: Command["method"];
  timeoutMs: number;
  primary: PrimaryRecord;
}

function requireMethod(request: IncomingMessage, response: ServerResponse): Command["method"] {
  const method = commandMethods.find((name) => name === request.method);
  if (method !== undefined) return method;
  response.setHeader("Allow", commandMethods.join(", "));
  throw new HubError("method_not_allowed", `NBWSS carries ${commandMethods.join(", ")} only`);
}

/** The console lives on this origin: whatever a primary sends must not run here. */
const ownAnswerHeaders = [
  "Content-Security-Policy",
  "default-src 'none'; sandbox; frame-ancestors 'none'",
  "X-Content-Type-Options",
  "nosniff",
];

/** @throws HubError `bad_answer` for what can't be an HTTP response; nothing is written then */
function writeAnswer(response: ServerResponse, answer: CommandAnswer, limits: HubLimits): number {
  const { status, body } = answer;
  const headers = toAnswerHeaders(answer.headers);
  if (status < 200) {
    throw badAnswer(`the primary answered with the status ${status}, which ends no request`);
  }
  if (headers.length > limits.maxAnswerHeaders) {
    throw badAnswer(`the primary answered with ${headers.length} headers`);
  }
  const hasBody = status !== 204 && status !== 304;
  // Flat and as text: header and body then leave in one write.
  const lines = headers.flat();
  lines.push(...ownAnswerHeaders);
  if (hasBody) lines.push("Content-Length", String(Buffer.byteLength(body)));
  response.writeHead(status, lines);
  response.end(hasBody ? body : undefined);
  return status;
}

function badAnswer(message: string): HubError {
  return new HubError("bad_answer", message, { mayHaveBeenExecuted: true });
}

function answerProblem(request: IncomingMessage, response: ServerResponse, error: unknown): void {
  if (response.headersSent || response.destroyed) return;
  const { status, headers, body } = problemAnswer(error);
  // The rest of a body that nobody reads would be taken for the next request.
  if (!request.complete) response.setHeader("Connection", "close");
  response.writeHead(status, { ...headers, "content-length": Buffer.byteLength(body) });
  response.end(body);
}
