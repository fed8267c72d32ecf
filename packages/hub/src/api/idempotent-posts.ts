import type { MiddlewareHandler } from "hono";
import { idempotencyKeyOf } from "../gateway/call.ts";
import type { Idempotency } from "../idempotency/idempotency.ts";
import type { ApiEnv } from "./app.ts";

/**
 * Honours `Idempotency-Key` on every POST below `/api/v1`: a repeat gets the first one's answer and `Idempotency-Replayed: true`.
 * What was refused may be sent again under the same key.
 */
export function idempotentPosts(idempotency: Pick<Idempotency, "run">): MiddlewareHandler<ApiEnv> {
  return async (c, next) => {
    const { incoming } = c.env;
    const caller = c.get("caller");
    const idempotencyKey = incoming.method === "POST" ? idempotencyKeyOf(incoming.headers) : undefined;
    if (idempotencyKey === undefined || caller === undefined) {
      await next();
      return undefined;
    }
    const uri = incoming.url ?? "";
    const request = { caller, method: "POST", target: { uri, primaryId: "" }, idempotencyKey };
    const perform = async () => {
      await next();
      const { status, headers } = c.res;
      return { status, headers: Object.fromEntries(headers), body: await c.res.clone().text() };
    };
    const isFinal = ({ status }: { status: number }) => status < 300;
    const { answer, replayed } = await idempotency.run(request, await c.req.text(), { perform, isFinal });
    if (!replayed) return undefined;
    const headers = { ...answer.headers, "idempotency-replayed": "true" };
    return new Response(answer.body === "" ? null : answer.body, { status: answer.status, headers });
  };
}
