import type { EventLog } from "../log/log.ts";
import type { ApiApp } from "./app.ts";

/** What the routes need. */
export interface StatusRoutesOptions {
  log: Pick<EventLog, "check">;
  /** Whether new work may be sent here. */
  isReady: () => boolean;
}

/** Adds `/healthz`, which fails when the log can't be written, and `/readyz`, which also fails while the hub stops. */
export function addStatusRoutes(app: ApiApp, options: StatusRoutesOptions): void {
  const isHealthy = async () => {
    try {
      await options.log.check();
      return true;
    } catch {
      // The failure itself was logged by whoever wanted to write.
      return false;
    }
  };
  app.get("/healthz", async (c) =>
    (await isHealthy()) ? c.json({ status: "ok" }) : c.json({ status: "the log can't be written" }, 503),
  );
  app.get("/readyz", async (c) =>
    options.isReady() && (await isHealthy())
      ? c.json({ status: "ok" })
      : c.json({ status: "not ready" }, 503),
  );
}
