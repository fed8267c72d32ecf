import { randomUUID } from "node:crypto";
import type { Context, MiddlewareHandler } from "hono";
import { matchedRoutes } from "hono/route";
import type { Logger } from "pino";
import { Counter, Histogram, type Registry } from "prom-client";
import { HubError } from "../errors.ts";
import type { ApiEnv } from "./app.ts";

/** What the middleware needs. */
export interface RequestRecordOptions {
  registry: Registry;
  logger: Logger;
}

/** Asked for again and again by machines, or parts of a page: they are logged at `debug`. */
const quietRoutes = new Set([
  "/healthz",
  "/readyz",
  "/metrics",
  "/openapi.json",
  "/docs",
  "/docs/style.css",
  "console",
]);

/**
 * Gives each request an id and a log of its own (`c.var.requestId`, `c.var.log`), and writes down and counts how it was answered: route
 * pattern, never the path, since a path may be a secret. The gateway stands beside this and does so itself.
 */
export function recordRequests({ registry, logger }: RequestRecordOptions): MiddlewareHandler<ApiEnv> {
  const registers = [registry];
  const requests = new Counter({
    name: "sallyport_hub_http_requests_total",
    help: "Requests to the hub's own API, by method, route and status; not the commands of the gateway",
    labelNames: ["method", "route", "status"],
    registers,
  });
  const durations = new Histogram({
    name: "sallyport_hub_http_request_duration_seconds",
    help: "How long requests to the hub's own API took until their answer began, seconds, by route",
    labelNames: ["route"],
    buckets: [0.001, 0.005, 0.02, 0.05, 0.1, 0.5, 1, 5, 30],
    registers,
  });
  return async (c, next) => {
    const startedAt = performance.now();
    const requestId = randomUUID();
    const log = logger.child({ requestId });
    c.set("requestId", requestId);
    c.set("log", log);
    c.header("Sallyport-Request-Id", requestId);
    await next();
    const ms = performance.now() - startedAt;
    const method = methods.has(c.req.method) ? c.req.method : "other";
    const route = routeLabel(c);
    const { status } = c.res;
    requests.inc({ method, route, status: String(status) });
    durations.observe({ route }, ms / 1000);
    log[quietRoutes.has(route) ? "debug" : "info"](
      { method, route, status, ms: Math.round(ms * 10) / 10, ...callerOf(c), ...codeOf(c.error) },
      "request.answered",
    );
  };
}

const methods = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);

/** The pattern that a handler was registered under, such as `/api/v1/primaries/{id}`: a closed list, whatever is asked for. */
function routeLabel(c: Context<ApiEnv>): string {
  const handlers = matchedRoutes(c).filter(({ method }) => method !== "ALL");
  // The console's pattern matches everything, after all others.
  const handler = handlers.find(({ path }) => !path.includes("*"));
  if (handler === undefined) return handlers.length > 0 && c.res.status !== 404 ? "console" : "none";
  return handler.path.replaceAll(/:(\w+)/g, "{$1}");
}

function callerOf(c: Context<ApiEnv>): { caller?: string } {
  const caller = c.get("caller") as ApiEnv["Variables"]["caller"] | undefined;
  return caller === undefined ? {} : { caller: `${caller.kind}/${caller.id}` };
}

function codeOf(error: Error | undefined): { code?: string } {
  if (error === undefined) return {};
  return { code: error instanceof HubError ? error.code : "failed" };
}
