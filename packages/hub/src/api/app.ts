import type { HttpBindings } from "@hono/node-server";
import { OpenAPIHono } from "@hono/zod-openapi";
import type { MiddlewareHandler } from "hono";
import { HTTPException } from "hono/http-exception";
import type { Logger } from "pino";
import type { ZodError } from "zod";
import type { Caller } from "../access/roles.ts";
import { HubError } from "../errors.ts";
import { problemAnswer } from "../problem.ts";
import { BodyBudget, readTextBody } from "../request-body.ts";
import { problemSchema } from "./schemas.ts";

/** Bodies of the API that are read at a time, at their bound; more is answered 429. */
const maxBodiesAtOnce = 1_000;

/** What a handler finds beside the request: Node's own request and response, and who calls. */
export interface ApiEnv {
  Bindings: HttpBindings;
  Variables: {
    /** Below `/api/v1`, but for the few routes that need no key. */
    caller: Caller;
    requestId: string;
    /** Below `/api/v1`: where the request comes from, as far as trusted proxies say so. */
    remoteAddress: string;
    /** A log whose lines have the request's id. */
    log: Logger;
    /** What a change was about, for the audit, where the path does not say it. */
    auditTarget?: string;
  };
}

/** An app or a part of one. */
export type ApiApp = OpenAPIHono<ApiEnv>;

/** What stands before every handler. */
export interface AppOptions {
  maxBodyBytes: number;
  /** Gives the request its id and log, and writes down how it was answered. */
  record: MiddlewareHandler<ApiEnv>;
  /** Finds out who calls, below `/api/v1`, before any body is read. */
  identify: MiddlewareHandler<ApiEnv>;
  /** Awaited before a request below `/api/v1` is served: what was committed until now is to be seen by it. */
  shown: () => Promise<void>;
  /** Answers a repeat of a POST like the first one. */
  repeats: MiddlewareHandler<ApiEnv>;
}

/** Makes an app in which every failure is answered as problem+json. */
export function makeApp({ maxBodyBytes, record, identify, shown, repeats }: AppOptions): ApiApp {
  const app: ApiApp = new OpenAPIHono<ApiEnv>({
    defaultHook(result) {
      if (!result.success) throw toBadRequest(result.error);
    },
  });
  const budget = new BodyBudget(maxBodyBytes * maxBodiesAtOnce);
  app.use(record);
  app.use("/api/v1/*", identify);
  // Read here, within its bound; what validates it finds it there.
  app.use(async (c, next) => {
    const text = await readTextBody(c.env.incoming, maxBodyBytes, budget);
    // Hono keeps promises there, whatever its types say.
    Object.assign(c.req.bodyCache, { text: Promise.resolve(text ?? "") });
    await next();
  });
  app.use("/api/v1/*", async (_, next) => {
    await shown();
    await next();
  });
  app.use("/api/v1/*", repeats);
  app.onError((error, c) => {
    const known = toKnownError(error);
    if (known === undefined) c.var.log.error({ err: error }, "request.failed");
    const { status, headers, body } = problemAnswer(known ?? error);
    return new Response(body, { status, headers });
  });
  app.notFound(() => {
    const { status, headers, body } = problemAnswer(
      new HubError("not_found", "there is nothing at this address"),
    );
    return new Response(body, { status, headers });
  });
  return app;
}

function toKnownError(error: Error): HubError | undefined {
  if (error instanceof HubError) return error;
  // Hono's own: a body that is no JSON.
  if (error instanceof HTTPException && error.status < 500) {
    return new HubError("bad_request", "the body is not the JSON that is expected here", { cause: error });
  }
  return undefined;
}

/** Names the parameter and what is wrong, without its value: it may be a secret. */
function toBadRequest(error: ZodError): HubError {
  const reasons = error.issues.map(({ path, message }) => `${path.join(".") || "request"}: ${message}`);
  return new HubError("bad_request", reasons.join("; "), { cause: error });
}

/** The answers that any route may give beside its own. */
export const problemResponses = {
  default: {
    description: "An error (RFC 9457), with NetBackup's errorCode and errorMessage",
    content: { "application/problem+json": { schema: problemSchema } },
  },
} as const;
