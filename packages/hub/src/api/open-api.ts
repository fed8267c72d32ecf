import { z } from "@hono/zod-openapi";
import type { ApiDocument } from "../web/docs-page.ts";
import { addDocsRoutes } from "../web/docs-routes.ts";
import { problemResponses, type ApiApp } from "./app.ts";

const text = (description: string) => ({
  description,
  content: { "text/plain": { schema: z.string() } },
});
const statusSchema = z.object({ status: z.string() }).openapi("Status");
const status = (description: string) => ({
  description,
  content: { "application/json": { schema: statusSchema } },
});
const open = { security: [] };
const gatewayMethods = ["get", "post", "put", "patch", "delete"] as const;

/** Routes that a document of the API does not describe: pages for people. */
const pages = new Set(["*", "/docs", "/docs/style.css"]);

/**
 * Adds `/openapi.json` and `/docs`, after all other routes: what they say about themselves, and what stands beside them (gateway, WebSocket, health).
 * @throws TypeError when a route says nothing about itself: that is a mistake in the program
 */
export function addOpenApi(app: ApiApp): void {
  const { openAPIRegistry: registry } = app;
  registry.registerComponent("securitySchemes", "apiKey", {
    type: "http",
    scheme: "bearer",
    description: "An API key of the hub",
  });
  registry.registerComponent("securitySchemes", "session", {
    type: "apiKey",
    in: "cookie",
    name: "__Host-sallyport",
    description: "The console's session; what changes something also needs the hub's own Origin",
  });
  describeGateway(app);
  describeStatus(app);
  const head = {
    openapi: "3.1.0",
    info: {
      title: "Sallyport hub",
      version: "1",
      description:
        "The cloud side of the NetBackup WebSocket Service: enrol primaries, call their REST API, receive their notifications.",
      license: { name: "Apache-2.0", url: "https://www.apache.org/licenses/LICENSE-2.0" },
    },
    security: [{ apiKey: [] }, { session: [] }],
  };
  app.doc31("/openapi.json", head);
  addDocsRoutes(app, () => app.getOpenAPI31Document(head) as unknown as ApiDocument);
  requireDescribed(app);
}

function describeGateway({ openAPIRegistry: registry }: ApiApp): void {
  for (const method of gatewayMethods) {
    registry.registerPath({
      method,
      path: "/api/v1/primaries/{id}/netbackup/{path}",
      operationId: `${method}Netbackup`,
      tags: ["gateway"],
      summary: "Call the primary's own REST API",
      description:
        "Method, path (with further segments), query, headers and body go through byte for byte, but for hop-by-hop headers. An answer with the header Sallyport-Error is the hub's own; one without is the primary's, whatever its status.",
      request: {
        params: z.object({ id: z.string(), path: z.string() }),
        headers: z.object({
          "X-NetBackup-Authorization": z
            .string()
            .optional()
            .openapi({ description: "The primary's credential; it reaches it as Authorization" }),
          "Sallyport-Timeout": z
            .string()
            .regex(/^\d{1,9}$/)
            .optional()
            .openapi({ description: "Deadline of the command, ms" }),
          Prefer: z.literal("respond-async").optional().openapi({
            description: "Answer 202 at once; the command waits for the primary until its deadline",
          }),
          "Idempotency-Key": z
            .string()
            .max(255)
            .optional()
            .openapi({ description: "The same call with the same key is carried out once" }),
          traceparent: z
            .string()
            .optional()
            .openapi({ description: "W3C trace context; it reaches the primary" }),
        }),
        ...(method === "get" ? {} : { body: { content: { "*/*": { schema: z.string() } } } }),
      },
      responses: {
        202: {
          description: "Kept, where that was preferred",
          headers: {
            Location: { schema: { type: "string" }, description: "Where the command is shown" },
          },
          content: {
            "application/json": {
              schema: z.object({ id: z.string(), state: z.literal("queued"), location: z.string() }),
            },
          },
        },
        default: {
          description: "The primary's answer, or an error of the hub",
          headers: {
            "Sallyport-Error": {
              schema: { type: "string" },
              description:
                "Only where the hub itself answers: why, such as not_connected, timeout, lost or busy",
            },
          },
          content: {
            ...problemResponses.default.content,
            "*/*": { schema: z.string() },
          },
        },
      },
    });
  }
}

function describeStatus({ openAPIRegistry: registry }: ApiApp): void {
  const get = { method: "get" as const, tags: ["operation"] };
  registry.registerPath({
    ...get,
    ...open,
    path: "/healthz",
    summary: "Whether the log can be written",
    responses: { 200: status("It can"), 503: status("It can't: what comes is refused, not lost") },
  });
  registry.registerPath({
    ...get,
    ...open,
    path: "/readyz",
    summary: "Whether new work may be sent here",
    responses: { 200: status("It may"), 503: status("The hub stops, or its log can't be written") },
  });
  registry.registerPath({
    ...get,
    path: "/metrics",
    summary: "Metrics in Prometheus' text format",
    responses: { 200: text("All metrics"), ...problemResponses },
  });
  registry.registerPath({
    ...get,
    ...open,
    path: "/openapi.json",
    summary: "This document",
    responses: {
      200: { description: "OpenAPI 3.1", content: { "application/json": { schema: z.looseObject({}) } } },
    },
  });
  registry.registerPath({
    ...get,
    ...open,
    path: "/nbwss",
    tags: ["nbwss"],
    summary: "The WebSocket that primaries dial",
    description:
      "NBWSS 1.0 (JSON text messages): the first message is CONNECT with the primary's token; then COMMAND and NOTIFICATION flow. docs/protocol.md has the rules.",
    responses: {
      101: { description: "Switches to WebSocket" },
      503: { description: "The hub stops, or too many have not proved themselves yet; try again" },
    },
  });
}

/** A path as OpenAPI writes it: `/a/:id{[a-z]+}` → `/a/{id}`. */
function templateOf(path: string): string {
  return path.replaceAll(/:(\w+)(?:\{[^}]*\})?/g, "{$1}");
}

function requireDescribed(app: ApiApp): void {
  const described = new Set(
    app.openAPIRegistry.definitions.flatMap((definition) =>
      definition.type === "route"
        ? [`${definition.route.method.toUpperCase()} ${definition.route.path}`]
        : [],
    ),
  );
  for (const { method, path } of app.routes) {
    if (method === "ALL" || pages.has(path)) continue;
    const name = `${method} ${templateOf(path)}`;
    if (!described.has(name)) throw new TypeError(`${name} is not described; add it with app.openapi`);
  }
}
