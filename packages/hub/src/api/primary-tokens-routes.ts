import { createRoute, z } from "@hono/zod-openapi";
import type { Access } from "../access/access.ts";
import { requireRole } from "../access/roles.ts";
import type { Tokens } from "../enrolment/tokens.ts";
import type { PrimaryTokensView } from "../views/primary-tokens.ts";
import { problemResponses, type ApiApp } from "./app.ts";
import {
  newDetailsAnswerSchema,
  newDetailsSchema,
  rotateTokenSchema,
  tokenListSchema,
} from "./primaries-schemas.ts";
import { toPrimaryToken, type SummarySources } from "./primary-summary.ts";

/** What the routes need. */
export interface PrimaryTokensRoutesOptions extends SummarySources {
  access: Pick<Access, "requirePrimary">;
  tokens: PrimaryTokensView;
  tokenKeeper: Tokens;
}

const params = z.object({ id: z.string() });
const tags = ["primaries"];
const json = <T extends z.ZodType>(schema: T) => ({ "application/json": { schema } });

const addDetails = createRoute({
  method: "post",
  path: "/api/v1/primaries/{id}/details",
  tags,
  summary: "Give a primary a further endpoint, or one more token for one that it has",
  request: { params, body: { required: true, content: json(newDetailsSchema) } },
  responses: {
    201: { description: "The details; the token is shown this once", content: json(newDetailsAnswerSchema) },
    ...problemResponses,
  },
});
const rotate = createRoute({
  method: "post",
  path: "/api/v1/primaries/{id}/token",
  tags,
  summary: "Give an endpoint of a primary a new token; the old one works until the overlap ends",
  request: { params, body: { required: true, content: json(rotateTokenSchema) } },
  responses: {
    201: { description: "The details; the token is shown this once", content: json(newDetailsAnswerSchema) },
    ...problemResponses,
  },
});
const list = createRoute({
  method: "get",
  path: "/api/v1/primaries/{id}/tokens",
  tags,
  summary: "List the tokens of a primary that have not ended",
  request: { params },
  responses: { 200: { description: "All of them", content: json(tokenListSchema) }, ...problemResponses },
});
const revoke = createRoute({
  method: "delete",
  path: "/api/v1/primaries/{id}/tokens/{tokenId}",
  tags,
  summary: "End a token at once",
  request: { params: params.extend({ tokenId: z.string() }) },
  responses: { 204: { description: "Ended; the connection that used it is cut" }, ...problemResponses },
});

/** Adds the routes of a primary's tokens and endpoints. */
export function addPrimaryTokensRoutes(app: ApiApp, options: PrimaryTokensRoutesOptions): void {
  const { access, tokens, tokenKeeper } = options;
  app.openapi(addDetails, async (c) => {
    requireRole(c.var.caller, "administrator");
    const { id } = access.requirePrimary(c.var.caller, c.req.valid("param").id);
    return c.json(await tokenKeeper.addEndpoint(id, c.req.valid("json")), 201);
  });
  app.openapi(rotate, async (c) => {
    requireRole(c.var.caller, "administrator");
    const { id } = access.requirePrimary(c.var.caller, c.req.valid("param").id);
    return c.json(await tokenKeeper.rotate(id, c.req.valid("json")), 201);
  });
  app.openapi(list, (c) => {
    const { id } = access.requirePrimary(c.var.caller, c.req.valid("param").id);
    // There is a bound on them: one page has them all.
    const data = tokens.listOf(id).map((token) => toPrimaryToken(token, options));
    return c.json({ data, next: null }, 200);
  });
  app.openapi(revoke, async (c) => {
    requireRole(c.var.caller, "administrator");
    const { id, tokenId } = c.req.valid("param");
    await tokenKeeper.revoke(access.requirePrimary(c.var.caller, id).id, tokenId);
    return c.body(null, 204);
  });
}
