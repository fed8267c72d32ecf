import type { ApiApp } from "../api/app.ts";
import { readConsoleFile } from "./console-files.ts";

const notPages = /^\/(api|nbwss|healthz|readyz|metrics|openapi\.json)(\/|$)/;

/** Adds the console: last, for whatever no other route has. */
export function addConsoleRoutes(app: ApiApp, dir: string | undefined): void {
  app.get("*", async (c, next) => {
    const path = new URL(c.req.url).pathname;
    if (notPages.test(path)) return next();
    const isNavigation = (c.req.header("accept") ?? "").includes("text/html");
    const file = await readConsoleFile(dir, path, isNavigation);
    if (file === undefined) return next();
    return new Response(new Uint8Array(file.body), { status: file.status, headers: file.headers });
  });
}
