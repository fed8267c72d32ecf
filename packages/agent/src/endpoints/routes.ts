import { Hono, type Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { AgentError, agentErrors } from "../errors.ts";
import type { EndpointAdministration } from "./administration.ts";

const mediaType = "application/vnd.netbackup+json;version=12.0";

/**
 * The REST API of endpoint administration, to be mounted behind the server's authentication at
 * `/netbackup/config/servers/wssendpoints` (websocket-servers.json).
 */
export function endpointRoutes(administration: EndpointAdministration): Hono {
  const app = new Hono();
  app.post("/validatehost", async (c) => answer(c, 200, await administration.validateHost(await bodyOf(c))));
  app.post("/validateurl", async (c) => answer(c, 200, await administration.validateUrl(await bodyOf(c))));
  app.post("/save", async (c) => {
    await administration.save(await bodyOf(c));
    return answer(c, 201, {});
  });
  app.post("/update", async (c) => {
    administration.update(await bodyOf(c));
    return answer(c, 200, {});
  });
  app.delete("/:hostName", (c) => {
    administration.remove(c.req.param("hostName"));
    return answer(c, 200, {});
  });
  app.get("/", (c) => answer(c, 200, administration.list()));
  app.onError((error, c) => {
    if (!(error instanceof AgentError)) throw error;
    const { httpStatus, errorCode } = agentErrors[error.code];
    const attributes = error.attributeErrors === undefined ? {} : { attributeErrors: error.attributeErrors };
    return answer(c, httpStatus, { errorCode, errorMessage: error.message, errorDetails: [], ...attributes });
  });
  return app;
}

function answer(c: Context, status: ContentfulStatusCode, body: object): Response {
  return c.body(JSON.stringify(body), status, { "content-type": mediaType });
}

async function bodyOf(c: Context): Promise<unknown> {
  try {
    return await c.req.json<unknown>();
  } catch (error) {
    throw new AgentError("invalid_details", "the body is not JSON", { cause: error });
  }
}
