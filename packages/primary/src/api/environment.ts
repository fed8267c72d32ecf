import type { HttpBindings } from "@hono/node-server";
import type { Hono } from "hono";
import type { Principal } from "../access/sessions.ts";
import type { ApiVersion } from "./media-type.ts";

/** What a request carries through the API. */
export interface ApiEnvironment {
  /** Missing when the request did not come through a socket. */
  Bindings: Partial<HttpBindings>;
  Variables: {
    version: ApiVersion;
    /** Set behind the authentication. */
    principal: Principal;
  };
}

/** A set of routes of the API. */
export type ApiRoutes = Hono<ApiEnvironment>;
