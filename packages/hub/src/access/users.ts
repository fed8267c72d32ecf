import { HubError } from "../errors.ts";
import type { Recorder } from "../log/recorder.ts";
import type { UserRecord, UsersView } from "../views/users.ts";
import type { Views } from "../views/views.ts";
import type { Administrators } from "./administrators.ts";
import type { PasswordCheck } from "./password-check.ts";
import type { Passwords } from "./passwords.ts";
import { isWithin, requireGrantable, requireRole, type Caller, type Role, type Scope } from "./roles.ts";
import type { Sessions } from "./sessions.ts";

/** What a user is made with. */
export interface NewUser {
  login: string;
  name?: string | undefined;
  role: Role;
  scope: Scope;
  password: string;
}

/** What of a user can be changed. */
export interface UserPatch {
  name?: string | undefined;
  role?: Role | undefined;
  scope?: Scope | undefined;
  disabled?: boolean | undefined;
}

/** A new password, and what proves the right to set it. */
export interface NewPassword {
  /** Needed for one's own. */
  current?: string | undefined;
  password: string;
}

/** Where a change comes from. */
export interface ChangeOrigin {
  remoteAddress: string;
  /** The session that it is made in, which goes on. */
  sessionId: string | undefined;
}

/** What the users need. */
export interface UsersOptions {
  users: Pick<UsersView, "list" | "get" | "findByLogin">;
  administrators: Administrators;
  views: Pick<Views, "requireCurrent">;
  recorder: Pick<Recorder, "record">;
  passwords: Pick<Passwords, "hash">;
  check: Pick<PasswordCheck, "find">;
  sessions: Pick<Sessions, "endAllOf">;
  maxUsers: number;
  newId: () => string;
  /** Epoch ms. */
  now: () => number;
}

/** Makes, changes and removes users; administrators see those whose scope is within their own. */
export class Users {
  readonly #options: UsersOptions;

  constructor(options: UsersOptions) {
    this.#options = options;
  }

  /** Those that the caller may see, by login. */
  list(caller: Caller): UserRecord[] {
    return this.#options.users.list().filter(({ scope }) => isWithin(scope, caller.scope));
  }

  /** @throws HubError `no_such_user`, also for one outside the caller's scope */
  get(caller: Caller, id: string): UserRecord {
    const user = this.#options.users.get(id);
    if (user !== undefined && isWithin(user.scope, caller.scope)) return user;
    throw new HubError("no_such_user", "there is no user of this id");
  }

  /**
   * Makes a user.
   * @throws HubError `forbidden` for more than the caller has, `name_taken`, `limit_reached`, `bad_request` for a bad password,
   *   `throttled`, `views_behind`, `log_failed` or `log_busy`
   */
  async create(caller: Caller, wanted: NewUser): Promise<UserRecord> {
    const { administrators, users, views, recorder, passwords, maxUsers, newId, now } = this.#options;
    requireGrantable(caller, wanted);
    const { login, name = login, role, scope, password } = wanted;
    requireGoodPassword(password, login);
    const passwordHash = await passwords.hash(password);
    return administrators.inTurn(async () => {
      views.requireCurrent();
      if (users.findByLogin(login) !== undefined) {
        throw new HubError("name_taken", `there is a user with the login "${login}" already; choose another`);
      }
      const count = users.list().length;
      if (count >= maxUsers) {
        throw new HubError("limit_reached", `there are ${count} users already; remove some first`);
      }
      const id = newId();
      const data = { id, login, name, role, scope, passwordHash };
      await recorder.record("sallyport.user.created", `/users/${id}`, data);
      const unseen = {
        ...data,
        disabled: false,
        createdAt: new Date(now()).toISOString(),
        lastSignInAt: null,
      };
      // Not shown yet only when the views fell behind in this moment.
      return users.get(id) ?? unseen;
    });
  }

  /**
   * Changes what a user may do; it holds from their next request on. Disabling ends their sessions.
   * @throws HubError `no_such_user`, `forbidden`, `last_administrator`, `views_behind`, `log_failed` or `log_busy`
   */
  change(caller: Caller, id: string, patch: UserPatch): Promise<UserRecord> {
    const { administrators, views, recorder, sessions } = this.#options;
    return administrators.inTurn(async () => {
      views.requireCurrent();
      const user = this.get(caller, id);
      const { name = user.name, role = user.role, scope = user.scope, disabled = user.disabled } = patch;
      requireGrantable(caller, { role, scope });
      if (disabled || role !== "administrator" || scope.kind !== "all") administrators.requireOther(id);
      await recorder.record("sallyport.user.changed", `/users/${id}`, { id, name, role, scope, disabled });
      if (disabled) sessions.endAllOf({ kind: "user", id });
      return { ...user, name, role, scope, disabled };
    });
  }

  /**
   * Sets a password: somebody else's as an administrator, or one's own with the current one. It ends the user's other sessions.
   * @throws HubError `no_such_user`, `forbidden`, `bad_request`, `throttled`, `views_behind`, `log_failed` or `log_busy`
   */
  async setPassword(caller: Caller, id: string, wanted: NewPassword, origin: ChangeOrigin): Promise<void> {
    const { administrators, views, recorder, passwords, sessions } = this.#options;
    const isOwn = caller.kind === "user" && caller.id === id;
    if (!isOwn) requireRole(caller, "administrator");
    const user = this.get(caller, id);
    requireGoodPassword(wanted.password, user.login);
    if (isOwn) await this.#requireCurrent(user, wanted.current, origin.remoteAddress);
    const passwordHash = await passwords.hash(wanted.password);
    await administrators.inTurn(async () => {
      views.requireCurrent();
      this.get(caller, id);
      await recorder.record("sallyport.user.password-set", `/users/${id}`, { id, passwordHash });
      sessions.endAllOf({ kind: "user", id }, isOwn ? origin.sessionId : undefined);
    });
  }

  /**
   * Removes a user and ends their sessions.
   * @throws HubError `no_such_user`, `last_administrator`, `views_behind`, `log_failed` or `log_busy`
   */
  remove(caller: Caller, id: string): Promise<void> {
    const { administrators, views, recorder, sessions } = this.#options;
    return administrators.inTurn(async () => {
      views.requireCurrent();
      this.get(caller, id);
      administrators.requireOther(id);
      await recorder.record("sallyport.user.deleted", `/users/${id}`, { id });
      sessions.endAllOf({ kind: "user", id });
    });
  }

  async #requireCurrent(user: UserRecord, current: string | undefined, remoteAddress: string): Promise<void> {
    if (current === undefined)
      throw new HubError("bad_request", "current: is needed to change one's own password");
    const found = await this.#options.check.find(user.login, current, remoteAddress);
    if (found?.id !== user.id) throw new HubError("forbidden", "the current password is wrong");
  }
}

/** @throws HubError `bad_request`; the length was checked with the request */
function requireGoodPassword(password: string, login: string): void {
  if (password.toLowerCase() !== login.toLowerCase()) return;
  throw new HubError("bad_request", "password: must not be the login");
}
