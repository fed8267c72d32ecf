import { Hono } from "hono";
import type { Logger } from "pino";
import { AgentError } from "../errors.ts";
import { answerError } from "../rest/answer.ts";
import { answerTypeFor } from "../rest/media-type.ts";
import { isAdministrator } from "./administrator.ts";

/** What the lone agent's own REST API is made of. */
export interface AdministrationApiOptions {
  /** The administrator's. */
  token: string;
  /** What the service offers below `/netbackup`. */
  routes: Hono;
  log: Logger;
  /** A larger body is refused with 413, bytes. */
  maxBodyBytes: number;
}

/**
 * The REST API of a lone agent: what its NBWSS service offers, for whoever has the administrator's token. The upstream's own API is not
 * offered here; the agent listens for its administrator alone.
 */
export function administrationApi(options: AdministrationApiOptions): Hono {
  const { token, log, maxBodyBytes } = options;
  const app = new Hono();
  app.onError((error, context) => {
    if (error instanceof AgentError) return answerError(context, error);
    log.error({ err: error, path: context.req.path }, "request.failed");
    return answerError(context, new AgentError("internal", "the agent could not do this: its log tells why"));
  });
  app.notFound((context) =>
    answerError(context, new AgentError("not_found", `there is nothing at ${context.req.path}`)),
  );
  app.use("*", async (context, next) => {
    const type = answerTypeFor(context.req.header("accept"));
    await next();
    const made = context.res.headers.get("content-type");
    if (made?.startsWith("application/json") === true) {
      context.res.headers.set("content-type", type ?? answerTypeFor(undefined) ?? made);
    }
    context.res.headers.set("cache-control", "no-store");
  });
  app.use("*", async (context, next) => {
    if (!isAdministrator(token, context.req.header("authorization"))) {
      throw new AgentError(
        "unauthenticated",
        "the administrator's token is missing or wrong; it is in administration.json of the agent's data folder",
      );
    }
    if (answerTypeFor(context.req.header("accept")) === undefined) {
      throw new AgentError("not_acceptable", "Accept has to be application/vnd.netbackup+json;version=14.0");
    }
    const length = Number(context.req.header("content-length") ?? 0);
    if (context.req.header("transfer-encoding") !== undefined || length > maxBodyBytes) {
      throw new AgentError("body_too_large", `a body has to tell its length, at most ${maxBodyBytes} bytes`);
    }
    await next();
  });
  app.route("/netbackup", options.routes);
  return app;
}
