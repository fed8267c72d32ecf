import type { Logger } from "pino";
import type { Audit } from "../audit/audit.ts";
import { HubError } from "../errors.ts";
import type { Recorder } from "../log/recorder.ts";
import { toCaller, type Access, type AccessRequest } from "./access.ts";
import type { PasswordCheck } from "./password-check.ts";
import type { Refusals } from "./refusals.ts";
import type { Caller } from "./roles.ts";
import type { SessionOwner, Sessions } from "./sessions.ts";
import type { UsersView } from "../views/users.ts";

/** What somebody shows to be let in. */
export type Proof = { apiKey: string } | { login: string; password: string };

/** What a sign-in is about, for the audit. */
export interface SignInOrigin {
  remoteAddress: string;
  requestId: string;
}

/** What signing in needs. */
export interface SignInOptions {
  access: Pick<Access, "identifyKey">;
  check: Pick<PasswordCheck, "find">;
  users: Pick<UsersView, "findByLogin">;
  sessions: Pick<Sessions, "start">;
  refusals: Refusals;
  audit: Pick<Audit, "record">;
  recorder: Pick<Recorder, "record">;
  logger: Logger;
}

const action = "POST /api/v1/session";

/** Starts sessions of the console; each is in the audit before it can be used. */
export class SignIn {
  readonly #options: SignInOptions;

  constructor(options: SignInOptions) {
    this.#options = options;
  }

  /**
   * Signs somebody in.
   * @returns the session's id
   * @throws HubError `unauthenticated`, `throttled`, `log_failed` or `log_busy`
   */
  async start(proof: Proof, request: AccessRequest, origin: SignInOrigin): Promise<string> {
    if ("apiKey" in proof) {
      const doing = { action, target: "/session", requestId: origin.requestId };
      const caller = this.#options.access.identifyKey(proof.apiKey, request, doing);
      return this.admit(caller, { kind: "api-key", id: caller.id }, action, origin);
    }
    const { check, users, refusals, recorder } = this.#options;
    const { remoteAddress: from, requestId } = origin;
    const user = await check.find(proof.login, proof.password, from);
    if (user === undefined) {
      const known = users.findByLogin(proof.login);
      refusals.note({
        from,
        action,
        target: known === undefined ? "/session" : `/users/${known.id}`,
        requestId,
      });
      throw new HubError("unauthenticated", "login or password is wrong");
    }
    const { id } = user;
    await recorder.record("sallyport.user.signed-in", `/users/${id}`, { id, from });
    return this.admit(toCaller("user", user), { kind: "user", id }, action, origin);
  }

  /**
   * Starts the session of somebody who has proved who they are.
   * @returns its id
   * @throws HubError `log_failed` or `log_busy`
   */
  async admit(caller: Caller, owner: SessionOwner, how: string, origin: SignInOrigin): Promise<string> {
    const { audit, sessions, logger } = this.#options;
    const { kind, id, name } = caller;
    const { remoteAddress: from, requestId } = origin;
    await audit.record({
      actor: { kind, id, name },
      from,
      action: how,
      target: "/session",
      result: "done",
      status: 204,
      requestId,
    });
    logger.info({ caller: `${kind}/${id}`, remoteAddress: from, requestId }, "session.started");
    return sessions.start(owner);
  }
}
