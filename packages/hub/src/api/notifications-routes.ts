import { createRoute, z } from "@hono/zod-openapi";
import type { Access } from "../access/access.ts";
import type { HubLimits } from "../config/limits.ts";
import type { Feed } from "../feed/feed.ts";
import type { FeedWish } from "../feed/feed-filter.ts";
import type { FeedStreams } from "../feed/feed-streams.ts";
import { problemResponses, type ApiApp } from "./app.ts";
import {
  notificationPageSchema,
  notificationsQuery,
  streamHeadersSchema,
  streamQuerySchema,
} from "./notifications-schemas.ts";

/** What the routes need. */
export interface NotificationsRoutesOptions {
  access: Pick<Access, "identify">;
  feed: Feed;
  streams: FeedStreams;
  limits: HubLimits;
}

const follow = createRoute({
  method: "get",
  path: "/api/v1/notifications/stream",
  tags: ["notifications"],
  summary: "Follow what happens by server-sent events",
  description:
    "Messages carry a CloudEvent each, their id is its position. `event: missed` says which positions were deleted before they were read, `event: cut` why the hub ends the stream; come again with Last-Event-ID.",
  request: { query: streamQuerySchema, headers: streamHeadersSchema },
  responses: {
    200: {
      description: "Goes on until the reader leaves or is cut off",
      content: { "text/event-stream": { schema: z.string() } },
    },
    ...problemResponses,
  },
});

/** Adds the feed: page by page, and as a stream. */
export function addNotificationsRoutes(app: ApiApp, options: NotificationsRoutesOptions): void {
  const { access, feed, streams, limits } = options;
  const list = createRoute({
    method: "get",
    path: "/api/v1/notifications",
    tags: ["notifications"],
    summary: "What the primaries reported, and what happened to them",
    request: { query: notificationsQuery(limits) },
    responses: {
      200: {
        description: "Events in the order in which they were stored, as CloudEvents 1.0",
        content: { "application/json": { schema: notificationPageSchema } },
      },
      ...problemResponses,
    },
  });
  app.openapi(list, async (c) => {
    const { after, limit, ...wish } = c.req.valid("query");
    const filter = feed.filterFor(c.var.caller.scope, toWish(wish));
    return c.json(await feed.page(filter, after, limit), 200);
  });
  app.openapi(follow, async (c) => {
    const { incoming, outgoing } = c.env;
    const { after, ...wish } = c.req.valid("query");
    const { caller, requestId } = c.var;
    const lastId = c.req.valid("header")["last-event-id"];
    await streams.open({
      caller,
      identify: () => access.identify(incoming),
      wish: toWish(wish),
      after: lastId ?? after,
      response: outgoing,
      requestId,
    });
    // Tells the server that the answer has been written already. Never the library's own object: middleware writes headers into it.
    return new Response(null, { headers: { "x-hono-already-sent": "true" } });
  });
}

/** The query's members as the feed wants them; moments as the log has them. */
function toWish(query: {
  primary?: string | undefined;
  type?: string[] | undefined;
  label?: [name: string, value: string][] | undefined;
  since?: string | undefined;
  until?: string | undefined;
}): FeedWish {
  const utc = (moment: string | undefined) =>
    moment === undefined ? undefined : new Date(moment).toISOString();
  return {
    types: query.type ?? [],
    primaries: query.primary === undefined ? [] : [query.primary],
    labels: Object.fromEntries(query.label ?? []),
    since: utc(query.since),
    until: utc(query.until),
  };
}
