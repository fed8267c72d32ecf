import { Readable } from "node:stream";
import { z } from "zod";
import {
  failureAnswer,
  type Clock,
  type Command,
  type CommandAnswer,
  type ServiceAnswer,
  type ServiceCommand,
} from "@sallyport/nbwss";
import type { Logger } from "pino";
import { AgentError } from "../errors.ts";
import type { CommandExecutor } from "../executor.ts";
import type { UpstreamCredential } from "./credential.ts";
import { errorMessageOf } from "./error-message.ts";

/** What a session is made of. */
export interface UpstreamSessionOptions {
  /** Calls the upstream without any credential of its own. */
  executor: CommandExecutor;
  credential: UpstreamCredential;
  clock: Clock;
  log: Logger;
}

/** A login is renewed when this much of its validity is over, so that no call meets its end. */
const renewAfter = 0.8;
/** After a refused login: the first wait, doubled up to the longest, so that a wrong password does not lock the account. */
const firstRefusalWaitMs = 30_000;
const longestRefusalWaitMs = 15 * 60_000;
const mediaType = "application/vnd.netbackup+json;version=4.0";

const loginAnswer = z.object({ token: z.string().min(1), validity: z.number().positive().optional() });

/**
 * The agent's own standing at the upstream: an API key, or a login that is kept and renewed. The token is in memory only
 * and is given to nobody but the upstream.
 */
export class UpstreamSession implements CommandExecutor {
  readonly #options: UpstreamSessionOptions;
  #token: { value: string; renewAtMs: number } | undefined;
  #pending: Promise<string> | undefined;
  #refusal: { untilMs: number; waitMs: number; reason: string } | undefined;

  constructor(options: UpstreamSessionOptions) {
    this.#options = options;
  }

  /** Makes a call as the agent. Never rejects; a login that fails is answered 502 (NBWSS, COMMAND). */
  async execute(command: ServiceCommand, signal: AbortSignal): Promise<ServiceAnswer> {
    try {
      const first = await this.authorization();
      const answer = await this.#call(command, first, signal);
      if (answer.status !== 401) return answer;
      // What was streamed has gone, and can't be sent again; the next command renews the login.
      if (command.upload !== undefined) {
        if (this.#token?.value === first) this.#token = undefined;
        return answer;
      }
      // A 401 means that nothing was done, so the call may be made once more: the login may have ended before its time.
      const second = await this.#renewed(first);
      if (second === undefined) return answer;
      if (answer.content instanceof Readable) answer.content.destroy();
      return await this.#call(command, second, signal);
    } catch (error) {
      return failureAnswer(502, 502, (error as Error).message);
    }
  }

  /**
   * The value of the Authorization header.
   * @throws AgentError `upstream_refused` or `upstream_unreachable`; also while a refused login is not to be tried again yet
   */
  async authorization(): Promise<string> {
    const token = this.#token;
    if (token !== undefined && this.#options.clock.monotonicMs() < token.renewAtMs) return token.value;
    this.#pending ??= this.#obtain().finally(() => {
      this.#pending = undefined;
    });
    return this.#pending;
  }

  /** Another value than the one that was refused; undefined when there is none. */
  async #renewed(refused: string): Promise<string | undefined> {
    if (this.#token?.value === refused) this.#token = undefined;
    const value = await this.authorization();
    return value === refused ? undefined : value;
  }

  async #obtain(): Promise<string> {
    const { credential, clock } = this.#options;
    if (credential.kind === "api-key") {
      const value = credential.read();
      this.#token = { value, renewAtMs: Infinity };
      return value;
    }
    const nowMs = clock.monotonicMs();
    if (this.#refusal !== undefined && nowMs < this.#refusal.untilMs) {
      throw new AgentError("upstream_refused", this.#refusal.reason);
    }
    const answer = await this.#logIn(credential);
    if (answer.status !== 201 && answer.status !== 200) throw this.#failed(answer, nowMs);
    const { token, validity = 3600 } = loginAnswer.parse(JSON.parse(answer.body));
    this.#refusal = undefined;
    this.#token = { value: token, renewAtMs: nowMs + validity * 1000 * renewAfter };
    this.#options.log.info(
      { userName: credential.userName, validitySeconds: validity },
      "upstream.logged_in",
    );
    return token;
  }

  #logIn(credential: Extract<UpstreamCredential, { kind: "login" }>): Promise<CommandAnswer> {
    const { userName, domainType, domainName } = credential;
    const command: Command = {
      uri: "/netbackup/login",
      method: "POST",
      headers: { "Content-Type": mediaType, Accept: mediaType },
      parameters: JSON.stringify({ userName, password: credential.readPassword(), domainType, domainName }),
    };
    return this.#options.executor.execute(command, new AbortController().signal);
  }

  #failed({ status, body }: CommandAnswer, nowMs: number): AgentError {
    const said = errorMessageOf(body);
    if (status !== 401 && status !== 403) {
      return new AgentError("upstream_unreachable", `the login at the upstream failed (${status}): ${said}`);
    }
    const waitMs = Math.min(longestRefusalWaitMs, (this.#refusal?.waitMs ?? firstRefusalWaitMs / 2) * 2);
    const reason = `the upstream refuses the agent's own login (${status}): ${said}`;
    this.#refusal = { untilMs: nowMs + waitMs, waitMs, reason };
    this.#options.log.error({ status, reason: said, waitMs }, "upstream.login_refused");
    return new AgentError("upstream_refused", reason);
  }

  #call(command: ServiceCommand, authorization: string, signal: AbortSignal): Promise<ServiceAnswer> {
    const headers: Record<string, string> = {};
    for (const [name, value] of Object.entries(command.headers)) {
      if (!callersCredentials.has(name.toLowerCase())) headers[name] = value;
    }
    headers["Authorization"] = authorization;
    return this.#options.executor.execute({ ...command, headers }, signal);
  }
}

/** Where a caller's own credential may stand. */
const callersCredentials = new Set(["authorization", "cookie", "x-netbackup-authorization"]);
