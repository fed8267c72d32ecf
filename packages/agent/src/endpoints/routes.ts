import { Hono } from "hono";
import { jsonBody } from "../rest/answer.ts";
import type { EndpointAdministration } from "./administration.ts";

/**
 * The REST API of endpoint administration, to be mounted behind the server's authentication at
 * `/netbackup/config/servers/wssendpoints` (websocket-servers.json).
 */
export function endpointRoutes(administration: EndpointAdministration): Hono {
  const app = new Hono();
  app.post("/validatehost", async (c) => c.json(await administration.validateHost(await jsonBody(c)), 200));
  app.post("/validateurl", async (c) => c.json(await administration.validateUrl(await jsonBody(c)), 200));
  app.post("/save", async (c) => {
    await administration.save(await jsonBody(c));
    return c.json({}, 201);
  });
  app.post("/update", async (c) => {
    administration.update(await jsonBody(c));
    return c.json({}, 200);
  });
  app.delete("/:hostName", (c) => {
    administration.remove(c.req.param("hostName"));
    return c.json({}, 200);
  });
  app.get("/", (c) => c.json(administration.list(), 200));
  return app;
}
