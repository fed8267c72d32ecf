import type { ApiApp } from "../api/app.ts";
import type { Access } from "../access/access.ts";
import { requireRole, requireWholeHub } from "../access/roles.ts";
import type { Metrics } from "./metrics.ts";

/** What the route needs. */
export interface MetricsRouteOptions {
  access: Pick<Access, "identify">;
  metrics: Metrics;
}

/** Adds `/metrics` for whoever may see the whole hub: how many primaries there are and how they do is nobody else's business. */
export function addMetricsRoute(app: ApiApp, { access, metrics }: MetricsRouteOptions): void {
  app.get("/metrics", async (c) => {
    const caller = access.identify(c.env.incoming);
    c.set("caller", caller);
    requireRole(caller, "viewer");
    requireWholeHub(caller);
    return c.body(await metrics.text(), 200, {
      "content-type": metrics.contentType,
      "cache-control": "no-store",
    });
  });
}
