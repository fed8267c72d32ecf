import { Hono, type Context } from "hono";
import { jsonBody } from "../rest/answer.ts";
import type { GuardAdministration } from "./guard-administration.ts";

/** Finds who is logged in among what the server's authentication has set; undefined where a server knows one administrator only. */
export type PersonOf = (variable: (name: string) => unknown) => string | undefined;

/**
 * The guard's REST API on premises, to be mounted behind the server's authentication at `/netbackup/sallyport/guard`.
 */
export function guardRoutes(guard: GuardAdministration, personOf: PersonOf): Hono {
  const app = new Hono();
  const person = (c: Context) => personOf((name) => c.get(name) as unknown);
  app.get("/", (c) => c.json(guard.status()));
  app.get("/rules", (c) => c.json(guard.rules()));
  app.post("/test", async (c) => c.json(guard.test(await jsonBody(c))));
  app.get("/tickets", (c) => c.json({ data: guard.list(c.req.query("state")) }));
  app.get("/tickets/:id", (c) => c.json(guard.get(c.req.param("id"))));
  app.post("/tickets/:id/approve", async (c) =>
    c.json(await guard.approve(c.req.param("id"), await jsonBody(c), person(c))),
  );
  app.post("/tickets/:id/refuse", async (c) =>
    c.json(await guard.refuse(c.req.param("id"), await jsonBody(c), person(c))),
  );
  return app;
}
