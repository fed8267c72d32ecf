import type { Database } from "@sallyport/durable";
import { Hono, type Context } from "hono";
import { z } from "zod";
import { apiKeyFromRow, type ApiKey, type ApiKeys } from "../access/api-keys.ts";
import { PrimaryError } from "../errors.ts";
import { constantField, constantWord } from "../filter/constant-field.ts";
import type { FilterFields } from "../filter/filter.ts";
import { limits } from "../limits.ts";
import type { ApiEnvironment, ApiRoutes } from "./environment.ts";
import { listByOffset } from "./offset-list.ts";
import { readJson } from "./request-body.ts";

const daysSchema = z
  .string()
  .regex(/^P[1-9]\d{0,4}D$/, "must be a number of days such as P365D")
  .transform((text) => Number(text.slice(1, -1)))
  .refine((days) => days <= limits.maxApiKeyDays, `must be at most P${limits.maxApiKeyDays}D`);
const descriptionSchema = z
  .string()
  .max(512)
  .nullish()
  .transform((text) => text ?? undefined);

const creationSchema = z.object({
  data: z.object({
    type: z.literal("apiKeyCreationRequest"),
    attributes: z.object({
      expireAfterDays: daysSchema,
      description: descriptionSchema,
      userName: z.string().max(256).nullish(),
      userDomain: z.string().max(256).nullish(),
      userDomainType: z.string().max(64).nullish(),
    }),
  }),
});
const updateSchema = z.object({
  data: z.object({
    type: z.literal("apiKeyUpdateRequest"),
    id: z.string().optional(),
    attributes: z.object({ expireAfterDays: daysSchema.optional(), description: descriptionSchema }),
  }),
});
const reissueSchema = z.object({
  data: z.object({
    type: z.literal("apiKeyReissueRequest"),
    id: z.string().optional(),
    attributes: z.object({ expireAfterDays: daysSchema, description: descriptionSchema }),
  }),
});
const revokeSchema = z.object({
  data: z.object({
    type: z.literal("apiKeyRevokeRequest"),
    id: z.string().optional(),
    attributes: z.object({ description: descriptionSchema }),
  }),
});

const storedFields: FilterFields = {
  apiKeyTag: { sql: "tag", type: "text" },
  userName: { sql: "user_name", type: "text" },
  description: { sql: "description", type: "text" },
  createdDateTime: { sql: "created_at_ms", type: "timeMs" },
  expiryDateTime: { sql: "expires_at_ms", type: "timeMs" },
  lastModifiedDateTime: { sql: "modified_at_ms", type: "timeMs" },
};

/** What the routes of API keys work on. */
export interface ApiKeyRoutesOptions {
  database: Database;
  apiKeys: ApiKeys;
  primaryName: string;
}

/** `/security/api-keys` */
export function apiKeyRoutes({ database, apiKeys, primaryName }: ApiKeyRoutesOptions): ApiRoutes {
  const fields = {
    ...storedFields,
    userDomain: constantField(primaryName),
    userDomainType: constantWord("unixpwd"),
  };
  const tagOf = (context: Context) => context.req.param("tag") ?? "";
  const issued = (context: Context<ApiEnvironment>, made: { key: string; kept: ApiKey }) => {
    const { key, kept } = made;
    context.header("Location", `/netbackup/security/api-keys/${encodeURIComponent(kept.tag)}`);
    const attributes = {
      apiKey: key,
      expiryDateTime: new Date(kept.expiresAtMs).toISOString(),
      userName: kept.userName,
    };
    return context.json(
      { data: { type: "apiKeyCreationResponse", id: kept.tag, links: {}, attributes } },
      201,
    );
  };
  const notById = (context: Context<ApiEnvironment>) => {
    if (context.get("principal").sessionId !== "") return;
    throw new PrimaryError(
      "unauthenticated",
      "an API key can't be used to make keys: log in with a password",
    );
  };
  return new Hono<ApiEnvironment>()
    .post("/security/api-keys", async (context) => {
      const { attributes } = (await readJson(context, creationSchema)).data;
      notById(context);
      const { userName, description = "", expireAfterDays: days } = attributes;
      const owner = userName == null || userName === "" ? context.get("principal").userName : userName;
      return issued(context, apiKeys.create({ userName: owner, description, days }));
    })
    .get("/security/api-keys", (context) => {
      const { rows, ...envelope } = listByOffset({
        database,
        from: "api_keys",
        fields,
        order: { sql: "tag", isDescending: false },
        maxLimit: limits.maxPageItems,
        asked: context.req,
      });
      return context.json({
        data: rows.map((row) => resource(apiKeyFromRow(row), primaryName)),
        ...envelope,
      });
    })
    .get("/security/api-keys/:tag", (context) =>
      context.json({ data: resource(apiKeys.get(tagOf(context)), primaryName) }),
    )
    .patch("/security/api-keys/:tag", async (context) => {
      const { description, expireAfterDays: days } = (await readJson(context, updateSchema)).data.attributes;
      apiKeys.change(tagOf(context), { description, days });
      return context.body(null, 204);
    })
    .delete("/security/api-keys/:tag", (context) => {
      apiKeys.delete(tagOf(context));
      return context.body(null, 204);
    })
    .post("/security/api-keys/:tag/reissue", async (context) => {
      const { description, expireAfterDays: days } = (await readJson(context, reissueSchema)).data.attributes;
      notById(context);
      if (!apiKeys.exists(tagOf(context))) {
        // The documented answers have no 404 here.
        throw new PrimaryError("invalid_request", `there is no API key "${tagOf(context)}"`);
      }
      return issued(context, apiKeys.reissue(tagOf(context), { description, days }));
    })
    .patch("/security/api-keys/:tag/revoke", async (context) => {
      const { description } = (await readJson(context, revokeSchema)).data.attributes;
      apiKeys.revoke(tagOf(context), description);
      return context.body(null, 204);
    });
}

function resource(key: ApiKey, primaryName: string) {
  return {
    type: "apiKeyDetails",
    id: key.tag,
    links: { self: { href: `/security/api-keys/${encodeURIComponent(key.tag)}` } },
    attributes: {
      userName: key.userName,
      userDomain: primaryName,
      userDomainType: "unixpwd",
      createdDateTime: new Date(key.createdAtMs).toISOString(),
      expiryDateTime: new Date(key.isRevoked ? key.modifiedAtMs : key.expiresAtMs).toISOString(),
      lastModifiedDateTime: new Date(key.modifiedAtMs).toISOString(),
      description: key.description,
      samlSessionValidated: false,
    },
  };
}
