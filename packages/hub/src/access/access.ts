import type { IncomingMessage } from "node:http";
import type { Logger } from "pino";
import { HubError } from "../errors.ts";
import type { PrimariesView, PrimaryRecord } from "../views/primaries.ts";
import type { ApiKeyRecord, ApiKeysView } from "../views/api-keys.ts";
import { covers, type Caller } from "./roles.ts";
import { hashSecret, sameHash } from "./secret.ts";
import type { Sessions } from "./sessions.ts";
import type { Throttle } from "./throttle.ts";

/** The cookie of a console session. */
export const sessionCookie = "__Host-sallyport";

/** What of a request decides about access. */
export type AccessRequest = Pick<IncomingMessage, "headers" | "method" | "socket">;

/** What access control needs. */
export interface AccessOptions {
  apiKeys: Pick<ApiKeysView, "findByHash" | "get">;
  primaries: Pick<PrimariesView, "get" | "list">;
  sessions: Sessions;
  throttle: Throttle;
  logger: Logger;
  /** The hub's own origin, such as `https://hub.example:8443`. */
  origin(): string;
}

const safeMethods = new Set(["GET", "HEAD", "OPTIONS"]);

/** Decides who makes a request: by API key (`Authorization: Bearer`), or by the console's session cookie. */
export class Access {
  readonly #options: AccessOptions;

  constructor(options: AccessOptions) {
    this.#options = options;
  }

  /**
   * Who makes the request.
   * @throws HubError `unauthenticated`; `throttled` after too many wrong keys; `foreign_origin` when another site's page uses the cookie
   */
  identify(request: AccessRequest): Caller {
    const { authorization } = request.headers;
    if (authorization !== undefined) {
      const key = /^bearer +(\S+) *$/i.exec(authorization)?.[1];
      if (key === undefined) throw new HubError("unauthenticated", "Authorization has to be: Bearer API-KEY");
      return this.identifyKey(key, request);
    }
    const id = sessionIdOf(request);
    const keyId = id === undefined ? undefined : this.#options.sessions.keyIdOf(id);
    const record = keyId === undefined ? undefined : this.#options.apiKeys.get(keyId);
    if (record === undefined) {
      throw new HubError("unauthenticated", "send Authorization: Bearer API-KEY, or sign in to the console");
    }
    if (!safeMethods.has(request.method ?? "")) this.requireOwnOrigin(request, true);
    return toCaller(record);
  }

  /**
   * Whose API key this is.
   * @throws HubError `unauthenticated` or `throttled`
   */
  identifyKey(key: string, request: AccessRequest): Caller {
    const { apiKeys, throttle, logger } = this.#options;
    const remoteAddress = request.socket.remoteAddress ?? "unknown";
    const retryAfterS = throttle.waitS(remoteAddress);
    if (retryAfterS > 0) {
      throw new HubError("throttled", `too many wrong keys; try again in ${retryAfterS} s`, { retryAfterS });
    }
    const hash = hashSecret(key);
    const record = apiKeys.findByHash(hash);
    if (record !== undefined && sameHash(record.keyHash, hash)) return toCaller(record);
    throttle.fail(remoteAddress);
    logger.warn({ remoteAddress }, "api_key.refused");
    throw new HubError("unauthenticated", "the API key is not known here");
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
}

/** The id in the session cookie, when there is one. */
export function sessionIdOf(request: Pick<IncomingMessage, "headers">): string | undefined {
  const pairs = (request.headers.cookie ?? "").split(";").map((pair) => pair.trim());
  const pair = pairs.find((text) => text.startsWith(`${sessionCookie}=`));
  return pair?.slice(sessionCookie.length + 1);
}

function toCaller({ id, name, role, scope }: ApiKeyRecord): Caller {
  return { kind: "api-key", id, name, role, scope };
}
