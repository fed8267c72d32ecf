import { Hono } from "hono";
import type { ConnectionAdministration } from "./connect/administration.ts";
import type { EndpointAdministration } from "./endpoints/administration.ts";
import { endpointRoutes } from "./endpoints/routes.ts";
import { AgentError } from "./errors.ts";
import type { GuardAdministration } from "./guard/guard-administration.ts";
import { guardRoutes, type PersonOf } from "./guard/guard-routes.ts";
import { answerError, jsonBody } from "./rest/answer.ts";

/** What the service's REST API is about. */
export interface ServiceRoutesOptions {
  administration: EndpointAdministration;
  connections: ConnectionAdministration;
  guard: GuardAdministration;
  personOf: PersonOf;
}

/**
 * Everything that an NBWSS service offers on premises, to be mounted at `/netbackup` behind the server's authentication: NetBackup's
 * endpoint administration, and below `/sallyport` what is ours. No command of the cloud reaches `/netbackup/sallyport/`.
 */
export function serviceRoutes({ administration, connections, guard, personOf }: ServiceRoutesOptions): Hono {
  const app = new Hono();
  app.route("/config/servers/wssendpoints", endpointRoutes(administration));
  app.get("/sallyport/groups", (c) => c.json({ data: connections.list() }));
  app.put("/sallyport/groups/:groupId", async (c) => {
    connections.setFailBack(c.req.param("groupId"), await jsonBody(c));
    return c.json({});
  });
  app.post("/sallyport/reconnect", async (c) => {
    await connections.reconnect(await jsonBody(c));
    return c.json({});
  });
  app.route("/sallyport/guard", guardRoutes(guard, personOf));
  app.onError((error, context) => {
    if (error instanceof AgentError) return answerError(context, error);
    throw error;
  });
  return app;
}
