import { createRoute, z } from "@hono/zod-openapi";
import type { HubLimits } from "../config/limits.ts";
import { readFeed } from "../feed/feed.ts";
import type { EventLog } from "../log/log.ts";
import { problemResponses, type ApiApp } from "./app.ts";
import { notificationPageSchema } from "./schemas.ts";

/** Adds the feed of notifications. */
export function addNotificationsRoutes(app: ApiApp, log: EventLog, limits: HubLimits): void {
  const whole = z
    .string()
    .regex(/^\d{1,15}$/, "has to be a whole number")
    .transform(Number);
  const limit = whole.pipe(z.number().min(1).max(limits.maxPageEvents));
  const query = z.strictObject({
    after: whole.default(0).openapi({ type: "integer" }),
    limit: limit.default(limits.defaultPageEvents).openapi({ type: "integer" }),
    primary: z.string().min(1).max(64).optional(),
    type: z
      .string()
      .regex(/^[a-z0-9_.-]{1,128}$/, "has to be the beginning of a type")
      .optional(),
  });
  const list = createRoute({
    method: "get",
    path: "/api/v1/notifications",
    request: { query },
    responses: {
      200: {
        description: "Notifications in the order in which they were stored, as CloudEvents 1.0",
        content: { "application/json": { schema: notificationPageSchema } },
      },
      ...problemResponses,
    },
  });
  app.openapi(list, async (c) => c.json(await readFeed(log, c.req.valid("query")), 200));
}
