import { Hono } from "hono";
import type { Sessions } from "../access/sessions.ts";
import type { Clock } from "../clock.ts";
import type { ApiEnvironment, ApiRoutes } from "./environment.ts";
import { answerType, formatVersion, newestVersion } from "./media-type.ts";

/** `GET /ping` (epoch ms), `GET /tokenkey` (PEM) and `GET /appdetails`, which need no token. */
export function pingRoutes(clock: Clock, sessions: Sessions): ApiRoutes {
  return new Hono<ApiEnvironment>()
    .get("/ping", (context) => {
      context.header("X-NetBackup-API-Version", formatVersion(newestVersion));
      context.header("Content-Type", answerType("plain", context.get("version")));
      return context.body(String(clock.nowMs()));
    })
    .get("/appdetails", (context) => context.json([{ appName: "netbackup", status: "RUNNING" }]))
    .get("/tokenkey", (context) => {
      context.header("Content-Type", answerType("html", context.get("version")));
      return context.body(sessions.publicKeyPem);
    });
}
