import { HubError } from "../errors.ts";
import type { ApiKeysView } from "../views/api-keys.ts";
import type { UsersView } from "../views/users.ts";
import type { Scope, Role } from "./roles.ts";

/** Where administrators are found. */
export interface AdministratorsOptions {
  apiKeys: Pick<ApiKeysView, "list">;
  users: Pick<UsersView, "list">;
}

/**
 * Who may administer the whole hub for good. Whoever an OpenID provider lets in does not count: it may change its mind; nor does a key
 * that expires.
 */
export class Administrators {
  readonly #options: AdministratorsOptions;
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: AdministratorsOptions) {
    this.#options = options;
  }

  /** Whether there is one, beside the key or user of the id. */
  exist(but?: string): boolean {
    const { apiKeys, users } = this.#options;
    return (
      apiKeys.list().some((key) => key.id !== but && key.expiresAt === null && isWhole(key)) ||
      users.list().some((user) => user.id !== but && !user.disabled && isWhole(user))
    );
  }

  /**
   * To be called before a key or user goes or loses rights.
   * @throws HubError `last_administrator` when nobody could administer the hub any more
   */
  requireOther(id: string): void {
    if (!this.exist(id) && this.exist()) {
      const message =
        "this is the last administrator of the whole hub; make another one (a user, or a key that does not expire) first";
      throw new HubError("last_administrator", message);
    }
  }

  /** Runs one change at a time, so that each decides on what the one before has left. */
  inTurn<T>(change: () => Promise<T>): Promise<T> {
    const done = this.#last.then(change);
    this.#last = done.catch(() => {
      // It is the caller's, who has the same promise.
    });
    return done;
  }
}

function isWhole({ role, scope }: { role: Role; scope: Scope }): boolean {
  return role === "administrator" && scope.kind === "all";
}
