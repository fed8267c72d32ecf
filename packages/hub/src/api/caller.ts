import type { MiddlewareHandler } from "hono";
import type { Access } from "../access/access.ts";
import type { RemoteAddressOf } from "../access/remote-address.ts";
import type { Audit } from "../audit/audit.ts";
import { HubError } from "../errors.ts";
import type { ApiEnv } from "./app.ts";

/** What the middleware needs. */
export interface CallerOptions {
  access: Pick<Access, "identify">;
  audit: Pick<Audit, "record">;
  remoteAddressOf: RemoteAddressOf;
}

/** Routes for those who can't have a key yet: signing in, and details behind a secret. */
const openRoutes =
  /^(?:POST \/api\/v1\/session|GET \/api\/v1\/(?:session\/(?:methods|oidc\/start|oidc\/callback)|endpoint-details\/.*))$/s;
const safeMethods = new Set(["GET", "HEAD", "OPTIONS"]);

/**
 * Sees to it that whatever is below `/api/v1` knows who calls (`c.var.caller`), and that every change there is in the audit before it is
 * answered, refused ones included. A handler that creates something names it with `c.set("auditTarget", "/users/<id>")`.
 */
export function identifyCallers({
  access,
  audit,
  remoteAddressOf,
}: CallerOptions): MiddlewareHandler<ApiEnv> {
  return async (c, next) => {
    const { requestId } = c.var;
    c.header("Cache-Control", "no-store");
    const { incoming } = c.env;
    const remoteAddress = remoteAddressOf(incoming);
    c.set("remoteAddress", remoteAddress);
    const method = incoming.method ?? "";
    const path = (incoming.url ?? "").split("?", 1)[0] ?? "";
    if (openRoutes.test(`${method} ${path}`)) {
      await next();
      return;
    }
    const caller = access.identify(incoming, requestId);
    c.set("caller", caller);
    await next();
    if (safeMethods.has(method)) return;
    await audit.record({
      actor: { kind: caller.kind, id: caller.id, name: caller.name },
      from: remoteAddress,
      action: `${method} ${routeOf(path)}`,
      target: c.get("auditTarget") ?? targetOf(path),
      result: resultOf(c.error),
      status: c.res.status,
      requestId,
    });
  };
}

/** The path with ids left out, so that operations can be counted and filtered. */
function routeOf(path: string): string {
  const [, , , kind = "", id, ...rest] = path.split("/");
  return ["/api/v1", kind, ...(id === undefined ? [] : ["{id}"]), ...rest].join("/").slice(0, 200);
}

/** What a path is about; only what looks like an id is repeated, since anybody may put anything there. */
function targetOf(path: string): string {
  const [, , , kind = "", id = ""] = path.split("/");
  const isId = /^[\w.-]{1,64}$/.test(id) && kind !== "endpoint-details";
  return /^[\w-]{1,64}$/.test(kind) ? `/${kind}${isId ? `/${id}` : ""}` : "/hub";
}

function resultOf(error: Error | undefined): string {
  if (error === undefined) return "done";
  return error instanceof HubError ? error.code : "failed";
}
