import type { IncomingMessage } from "node:http";
import { HubError } from "../errors.ts";
import type { PrimariesView, PrimaryRecord } from "../views/primaries.ts";
import type { ApiKeyRecord, ApiKeysView } from "../views/api-keys.ts";
import type { UserRecord, UsersView } from "../views/users.ts";
import type { ApiKeyUsage } from "./api-key-usage.ts";
import type { Refusal, Refusals } from "./refusals.ts";
import type { RemoteAddressOf } from "./remote-address.ts";
import { covers, type Caller } from "./roles.ts";
import { hashSecret, sameHash } from "./secret.ts";
import type { SessionOwner, Sessions } from "./sessions.ts";
import type { Throttle } from "./throttle.ts";

/** The cookie of a console session. */
export const sessionCookie = "__Host-sallyport";

/** What of a request decides about access. */
export type AccessRequest = Pick<IncomingMessage, "headers" | "method" | "socket">;

/** What access control needs. */
export interface AccessOptions {
  apiKeys: Pick<ApiKeysView, "findByHash" | "get">;
  users: Pick<UsersView, "get">;
  primaries: Pick<PrimariesView, "get" | "list">;
  sessions: Sessions;
  throttle: Throttle;
  usage: Pick<ApiKeyUsage, "note">;
  refusals: Refusals;
  remoteAddressOf: RemoteAddressOf;
  /** The hub's own origin, such as `https://hub.example:8443`. */
  origin(): string;
  /** Epoch ms. */
  now: () => number;
}

const safeMethods = new Set(["GET", "HEAD", "OPTIONS"]);
/** The form of keys that the hub makes: 256 bits, which nobody guesses. */
const randomKey = /^(?:sallyport_)?[\w-]{43}$/;

/** Decides who makes a request: by API key (`Authorization: Bearer`), or by the console's session cookie. */
export class Access {
  readonly #options: AccessOptions;

  constructor(options: AccessOptions) {
    this.#options = options;
  }

  /**
   * Who makes the request.
   * @param requestId for the audit, where the request has one
   * @throws HubError `unauthenticated`; `throttled` after too many wrong keys; `foreign_origin` when another site's page uses the cookie
   */
  identify(request: AccessRequest, requestId?: string): Caller {
    const { authorization } = request.headers;
    if (authorization !== undefined) {
      const key = /^bearer +(\S+) *$/i.exec(authorization)?.[1];
      if (key === undefined) throw new HubError("unauthenticated", "Authorization has to be: Bearer API-KEY");
      return this.identifyKey(key, request, { action: "authenticate", target: "/api-keys", requestId });
    }
    const id = sessionIdOf(request);
    const owner = id === undefined ? undefined : this.#options.sessions.ownerOf(id);
    const caller = owner === undefined ? undefined : this.#callerOf(owner);
    if (caller === undefined) {
      throw new HubError("unauthenticated", "send Authorization: Bearer API-KEY, or sign in to the console");
    }
    if (!safeMethods.has(request.method ?? "")) this.requireOwnOrigin(request, true);
    return caller;
  }

  /**
   * Whose API key this is. Whoever has tried too many wrong ones has to wait, but for keys that the hub made: those can't be guessed,
   * and a stranger behind the same address must not lock an application out.
   * @param doing how a refused key is named in the audit
   * @throws HubError `unauthenticated` or `throttled`
   */
  identifyKey(key: string, request: AccessRequest, doing: Omit<Refusal, "from">): Caller {
    const { apiKeys, throttle, usage, refusals, remoteAddressOf } = this.#options;
    const from = remoteAddressOf(request);
    if (!randomKey.test(key)) requirePatience(throttle, from);
    const hash = hashSecret(key);
    const record = apiKeys.findByHash(hash);
    if (record === undefined || !sameHash(record.keyHash, hash)) {
      requirePatience(throttle, from);
      throttle.fail(from);
      refusals.note({ ...doing, from });
      throw new HubError("unauthenticated", "the API key is not known here");
    }
    if (this.#hasExpired(record)) {
      refusals.noteExpired({ ...doing, from, target: `/api-keys/${record.id}` });
      const message = `the API key "${record.name}" has expired (${record.expiresAt ?? ""}); ask an administrator for a new one`;
      throw new HubError("unauthenticated", message);
    }
    usage.note(record.id, from);
    return toCaller("api-key", record);
  }

  /** The network address that a request comes from. */
  remoteAddressOf(request: AccessRequest): string {
    return this.#options.remoteAddressOf(request);
  }

  /**
   * The primary of this id, if the caller may know of it.
   * @throws HubError `no_such_primary`, also for one outside the caller's scope: its existence is not told
   */
  requirePrimary({ scope }: Caller, id: string): PrimaryRecord {
    const primary = this.#options.primaries.get(id);
    if (primary !== undefined && covers(scope, primary)) return primary;
    throw new HubError("no_such_primary", "there is no primary of this id");
  }

  /** The ids of the primaries that the caller may see; "all" spares the list. */
  visiblePrimaries({ scope }: Caller): "all" | ReadonlySet<string> {
    if (scope.kind === "all") return "all";
    const visible = this.#options.primaries.list().filter((primary) => covers(scope, primary));
    return new Set(visible.map(({ id }) => id));
  }

  /**
   * Refuses what a page of another site makes a browser send.
   * @param required whether a request without an Origin is refused too
   * @throws HubError `foreign_origin`
   */
  requireOwnOrigin(request: AccessRequest, required: boolean): void {
    const { origin, host } = request.headers;
    if (origin === undefined && !required) return;
    // The request's own Host is as good: a browser does not send the cookie to another host.
    if (origin === this.#options.origin() || (host !== undefined && origin === `https://${host}`)) return;
    throw new HubError("foreign_origin", "the Origin of the request is not the hub's own");
  }

  /** Undefined when the key or user is gone, has expired or is disabled: their sessions go with them. */
  #callerOf(owner: SessionOwner): Caller | undefined {
    if (owner.kind === "oidc") return owner.caller;
    if (owner.kind === "user") {
      const user = this.#options.users.get(owner.id);
      return user === undefined || user.disabled ? undefined : toCaller("user", user);
    }
    const key = this.#options.apiKeys.get(owner.id);
    return key === undefined || this.#hasExpired(key) ? undefined : toCaller("api-key", key);
  }

  #hasExpired({ expiresAt }: ApiKeyRecord): boolean {
    return expiresAt !== null && Date.parse(expiresAt) <= this.#options.now();
  }
}

/** The id in the session cookie, when there is one. */
export function sessionIdOf(request: Pick<IncomingMessage, "headers">): string | undefined {
  const pairs = (request.headers.cookie ?? "").split(";").map((pair) => pair.trim());
  const pair = pairs.find((text) => text.startsWith(`${sessionCookie}=`));
  return pair?.slice(sessionCookie.length + 1);
}

/** A key or user as the caller that they are. */
export function toCaller(kind: Caller["kind"], record: ApiKeyRecord | UserRecord): Caller {
  const { id, name, role, scope } = record;
  return { kind, id, name, role, scope };
}

/** @throws HubError `throttled` */
function requirePatience(throttle: Throttle, remoteAddress: string): void {
  const retryAfterS = throttle.waitS(remoteAddress);
  if (retryAfterS === 0) return;
  throw new HubError("throttled", `too many wrong keys; try again in ${retryAfterS} s`, { retryAfterS });
}
