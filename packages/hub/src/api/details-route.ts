import { createRoute, z } from "@hono/zod-openapi";
import type { Throttle } from "../access/throttle.ts";
import type { DetailsDesk } from "../enrolment/details-desk.ts";
import { HubError } from "../errors.ts";
import { problemResponses, type ApiApp } from "./app.ts";
import { endpointDetailsSchema } from "./primaries-schemas.ts";

const fetchDetails = createRoute({
  method: "get",
  path: "/api/v1/endpoint-details/{secret}",
  security: [],
  request: { params: z.object({ secret: z.string() }) },
  responses: {
    200: {
      description: "The endpoint details, this once",
      content: { "application/json": { schema: endpointDetailsSchema } },
    },
    ...problemResponses,
  },
});

/** Adds the one route without a key: its address is the secret. */
export function addDetailsRoute(app: ApiApp, desk: DetailsDesk, throttle: Throttle): void {
  app.openapi(fetchDetails, async (c) => {
    const { remoteAddress } = c.var;
    const retryAfterS = throttle.waitS(remoteAddress);
    if (retryAfterS > 0) {
      throw new HubError("throttled", `too many unknown addresses; try again in ${retryAfterS} s`, {
        retryAfterS,
      });
    }
    try {
      const details = await desk.take(c.req.valid("param").secret, remoteAddress);
      c.header("Cache-Control", "no-store");
      return c.json(details, 200);
    } catch (error) {
      if (error instanceof HubError && error.code === "no_such_details") throttle.fail(remoteAddress);
      throw error;
    }
  });
}
