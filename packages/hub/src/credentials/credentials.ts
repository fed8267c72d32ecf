import { Readable } from "node:stream";
import type { Command, CommandAnswer } from "@sallyport/nbwss";
import type { Logger } from "pino";
import { z } from "zod";
import { HubError } from "../errors.ts";
import type { Recorder } from "../log/recorder.ts";
import type { PrimaryRecord } from "../views/primaries.ts";
import type { CredentialFacts, CredentialStore, NetBackupCredential } from "./credential-store.ts";

/** What the credentials need. */
export interface CredentialsOptions {
  store: CredentialStore;
  recorder: Pick<Recorder, "record">;
  logger: Logger;
  /** Epoch ms. */
  now: () => number;
  /** Ends a login that a slow primary does not answer, ms. */
  send: (primary: PrimaryRecord, command: Command) => Promise<CommandAnswer>;
}

/** How the last login with a stored credential went. */
export interface LastLogin {
  ok: boolean;
  at: string;
}

interface Token {
  value: string;
  /** Epoch ms; a new one is fetched before. */
  renewAtMs: number;
}

const loginPath = "/netbackup/login";
const mediaType = "application/vnd.netbackup+json;version=4.0";
/** Of a token's life, the part after which it is renewed. */
const renewAfterShare = 0.8;
/** A token whose answer names no validity, ms: NetBackup's own default is a day. */
const assumedValidityMs = 3_600_000;
/** A login that was refused is not tried again for so long, ms: a wrong password must not lock the account. */
const refusedPauseMs = 60_000;

const loginAnswer = z.looseObject({ token: z.string().min(1), validity: z.number().positive().optional() });

/** What needs no login: signing in itself, and what NetBackup answers to anybody. */
const openPaths = /^\/netbackup\/(?:login|ping|tokenkey|security\/cacert|loginwithbiometrics)(?:$|[/?])/;

/**
 * Calls primaries with the credentials that operators stored: logs in, keeps the token in memory only, renews it before it ends and
 * once when it is refused. A caller's own `X-NetBackup-Authorization` always comes before.
 */
export class Credentials {
  readonly #options: CredentialsOptions;
  /** Which primaries have one, so that a command for the others costs no look at the disk. */
  readonly #known: Set<string>;
  readonly #tokens = new Map<string, Token>();
  readonly #loggingIn = new Map<string, Promise<string>>();
  readonly #lastLogins = new Map<string, LastLogin>();
  readonly #refusedAtMs = new Map<string, number>();

  constructor(options: CredentialsOptions) {
    this.#options = options;
    this.#known = new Set(options.store.primaryIds());
  }

  /**
   * Sends a command, with the stored credential when the caller brought none. One whose body streams by is not sent again after a 401; the next
   * one logs in anew.
   * @throws HubError `login_failed` when the stored credential does not work; whatever `send` throws
   */
  async send<C extends Authorizable, A extends { status: number; body: unknown }>(
    primary: PrimaryRecord,
    command: C,
    send: (command: C) => Promise<A>,
  ): Promise<A> {
    const isOurs = this.#known.has(primary.id) && !hasAuthorization(command) && !openPaths.test(command.uri);
    if (!isOurs) return send(command);
    const token = await this.#tokenFor(primary);
    const answer = await send(withAuthorization(command, token));
    if (answer.status !== 401) return answer;
    // What was answered 401 was not carried out, so once more is safe.
    if (this.#tokens.get(primary.id)?.value === token) this.#tokens.delete(primary.id);
    if (command.body instanceof Readable) return answer;
    if (answer.body instanceof Readable) answer.body.destroy();
    return send(withAuthorization(command, await this.#tokenFor(primary)));
  }

  /** Stores a credential for a primary; it replaces the one before. */
  async put(primary: PrimaryRecord, credential: NetBackupCredential, by: string): Promise<void> {
    const { store, recorder, now } = this.#options;
    const kind = "apiKey" in credential ? "api-key" : "password";
    await recorder.record("sallyport.credential.set", `/primaries/${primary.id}`, { id: primary.id, kind });
    store.put(primary.id, credential, { at: new Date(now()).toISOString(), by });
    this.#forgetTokens(primary.id);
    this.#known.add(primary.id);
  }

  /**
   * What may be told of a primary's credential.
   * @throws HubError `no_such_credential`
   */
  facts(primaryId: string): CredentialFacts & { lastLogin: LastLogin | undefined } {
    const facts = this.#options.store.facts(primaryId);
    if (facts === undefined)
      throw new HubError("no_such_credential", "no credential is stored for this primary");
    return { ...facts, lastLogin: this.#lastLogins.get(primaryId) };
  }

  /**
   * Forgets a primary's credential.
   * @throws HubError `no_such_credential`
   */
  async remove(primaryId: string): Promise<void> {
    this.facts(primaryId);
    const { store, recorder } = this.#options;
    await recorder.record("sallyport.credential.removed", `/primaries/${primaryId}`, { id: primaryId });
    store.remove(primaryId);
    this.#forgetTokens(primaryId);
    this.#known.delete(primaryId);
  }

  #forgetTokens(primaryId: string): void {
    this.#tokens.delete(primaryId);
    this.#lastLogins.delete(primaryId);
    this.#refusedAtMs.delete(primaryId);
  }

  /** One login at a time for each primary; who comes meanwhile waits for it. */
  async #tokenFor(primary: PrimaryRecord): Promise<string> {
    const { now } = this.#options;
    const token = this.#tokens.get(primary.id);
    if (token !== undefined && token.renewAtMs > now()) return token.value;
    const refusedAtMs = this.#refusedAtMs.get(primary.id);
    if (refusedAtMs !== undefined && now() - refusedAtMs < refusedPauseMs) {
      throw loginFailed("the stored credential was refused a moment ago; set another one, or wait a minute");
    }
    const running = this.#loggingIn.get(primary.id);
    if (running !== undefined) return running;
    const login = this.#login(primary).finally(() => this.#loggingIn.delete(primary.id));
    this.#loggingIn.set(primary.id, login);
    return login;
  }

  async #login(primary: PrimaryRecord): Promise<string> {
    const { store, send, now, logger } = this.#options;
    const credential = store.open(primary.id);
    if (credential === undefined) throw loginFailed("the stored credential was removed meanwhile");
    // NetBackup takes an API key for a token, as it is.
    if ("apiKey" in credential) return credential.apiKey;
    const answer = await send(primary, {
      uri: loginPath,
      method: "POST",
      headers: { "Content-Type": mediaType, Accept: mediaType },
      parameters: JSON.stringify(credential),
    });
    const at = new Date(now()).toISOString();
    const parsed = loginAnswer.safeParse(
      answer.status === 201 || answer.status === 200 ? toJson(answer.body) : {},
    );
    this.#lastLogins.set(primary.id, { ok: parsed.success, at });
    if (!parsed.success) {
      this.#refusedAtMs.set(primary.id, now());
      logger.warn({ primary: primary.id, status: answer.status }, "credential.refused");
      throw loginFailed(`the primary refused the stored credential (${answer.status})`);
    }
    const { token, validity } = parsed.data;
    const lifeMs = validity === undefined ? assumedValidityMs : validity * 1000;
    this.#tokens.set(primary.id, { value: token, renewAtMs: now() + lifeMs * renewAfterShare });
    logger.info({ primary: primary.id }, "credential.logged_in");
    return token;
  }
}

/** What of a command matters here. */
interface Authorizable extends Pick<Command, "uri" | "headers"> {
  body?: unknown;
}

function hasAuthorization({ headers }: Authorizable): boolean {
  return Object.keys(headers).some((name) => name.toLowerCase() === "authorization");
}

function withAuthorization<C extends Authorizable>(command: C, token: string): C {
  return { ...command, headers: { ...command.headers, Authorization: token } };
}

function loginFailed(message: string): HubError {
  return new HubError("login_failed", message, { mayHaveBeenExecuted: false });
}

function toJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // Not JSON, so not a login's answer: it is refused like any other wrong one.
    return {};
  }
}
