import { Hono } from "hono";
import type { EndpointAdministration } from "./endpoints/administration.ts";
import { endpointRoutes } from "./endpoints/routes.ts";
import { AgentError } from "./errors.ts";
import { answerError } from "./rest/answer.ts";

/** What the service's REST API is about. */
export interface ServiceRoutesOptions {
  administration: EndpointAdministration;
}

/**
 * Everything that an NBWSS service offers on premises, to be mounted at `/netbackup` behind the server's authentication: NetBackup's
 * endpoint administration, and below `/sallyport` what is ours. No command of the cloud reaches `/netbackup/sallyport/`.
 */
export function serviceRoutes({ administration }: ServiceRoutesOptions): Hono {
  const app = new Hono();
  app.route("/config/servers/wssendpoints", endpointRoutes(administration));
  app.onError((error, context) => {
    if (error instanceof AgentError) return answerError(context, error);
    throw error;
  });
  return app;
}
