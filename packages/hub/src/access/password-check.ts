import { HubError } from "../errors.ts";
import type { UserRecord, UsersView } from "../views/users.ts";
import type { Passwords } from "./passwords.ts";
import type { Throttle } from "./throttle.ts";

/** What checking passwords needs. */
export interface PasswordCheckOptions {
  users: Pick<UsersView, "findByLogin" | "get">;
  passwords: Pick<Passwords, "matches">;
  /** Tries by address. */
  addressThrottle: Throttle;
  /** Tries by login. */
  loginThrottle: Throttle;
}

/**
 * Checks logins and passwords. Tries are counted by address and by login, before their end is known: many at once are no way round. A
 * login that nobody has takes as long, and is counted alike.
 */
export class PasswordCheck {
  readonly #options: PasswordCheckOptions;

  constructor(options: PasswordCheckOptions) {
    this.#options = options;
  }

  /**
   * The user with this login and password; undefined when there is none, or they are disabled.
   * @throws HubError `throttled`
   */
  async find(login: string, password: string, remoteAddress: string): Promise<UserRecord | undefined> {
    const { users, passwords, addressThrottle, loginThrottle } = this.#options;
    const name = login.toLowerCase();
    const retryAfterS = Math.max(addressThrottle.waitS(remoteAddress), loginThrottle.waitS(name));
    if (retryAfterS > 0) {
      throw new HubError("throttled", `too many failed tries; try again in ${retryAfterS} s`, {
        retryAfterS,
      });
    }
    addressThrottle.fail(remoteAddress);
    loginThrottle.fail(name);
    const forgive = () => {
      addressThrottle.forgive(remoteAddress);
      loginThrottle.forgive(name);
    };
    const before = users.findByLogin(login);
    let matches: boolean;
    try {
      matches = await passwords.matches(password, before?.passwordHash);
    } catch (error) {
      // It was not tried.
      forgive();
      throw error;
    }
    // As they are now: they may have been changed meanwhile.
    const user = before === undefined ? undefined : users.get(before.id);
    if (!matches || user?.passwordHash !== before?.passwordHash || user?.disabled !== false) return undefined;
    forgive();
    return user;
  }
}
