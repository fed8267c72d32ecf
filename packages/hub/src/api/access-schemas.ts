import { z } from "@hono/zod-openapi";
import { roles, scopeSchema } from "../access/roles.ts";
import { listOf, momentQuery, pageQuery } from "./paging.ts";

const name = z.string().trim().min(1).max(128);
const role = z.enum(roles);
const moment = z.string();

/** Body of POST /api-keys. */
export const newApiKeySchema = z
  .strictObject({
    name,
    role: role.default("viewer"),
    scope: scopeSchema.default({ kind: "all" }),
    /** ISO 8601; without it the key does not expire. */
    expiresAt: momentQuery.nullable().default(null),
  })
  .openapi("NewApiKey");

/** An API key, without the key. */
export const apiKeySchema = z
  .object({
    id: z.string(),
    name: z.string(),
    role,
    scope: scopeSchema,
    createdAt: moment,
    expiresAt: moment.nullable(),
    lastUsedAt: moment.nullable(),
    lastUsedFrom: z.string().nullable(),
  })
  .openapi("ApiKey");

/** Answer of POST /api-keys: the only time that the key can be read. */
export const createdApiKeySchema = apiKeySchema.extend({ key: z.string() }).openapi("CreatedApiKey");
export const apiKeyListSchema = listOf(apiKeySchema).openapi("ApiKeyList");

const password = z.string().min(12, "has to have at least 12 characters").max(1_024);
const login = z.string().regex(/^[\w.@+-]{1,128}$/, "letters, digits and . _ @ + - only");

/** Body of POST /users. */
export const newUserSchema = z
  .strictObject({
    login,
    name: name.optional(),
    role: role.default("viewer"),
    scope: scopeSchema.default({ kind: "all" }),
    password,
  })
  .openapi("NewUser");

/** Body of PATCH /users/{id}. */
export const userPatchSchema = z
  .strictObject({ name, role, scope: scopeSchema, disabled: z.boolean() })
  .partial()
  .openapi("UserPatch");

/** Body of POST /users/{id}/password; `current` is needed for one's own. */
export const newPasswordSchema = z
  .strictObject({ current: z.string().max(1_024).optional(), password })
  .openapi("NewPassword");

/** A user. */
export const userSchema = z
  .object({
    id: z.string(),
    login: z.string(),
    name: z.string(),
    role,
    scope: scopeSchema,
    disabled: z.boolean(),
    createdAt: moment,
    lastSignInAt: moment.nullable(),
  })
  .openapi("User");
export const userListSchema = listOf(userSchema).openapi("UserList");

/** Body of POST /session: an API key, or login and password. */
export const newSessionSchema = z
  .union([
    z.strictObject({ apiKey: z.string().min(1).max(1_024) }),
    z.strictObject({ login: z.string().min(1).max(128), password: z.string().min(1).max(1_024) }),
  ])
  .openapi("NewSession");

/** Answer of GET /session. */
export const sessionSchema = z
  .object({ kind: z.enum(["api-key", "user"]), id: z.string(), name: z.string(), role, scope: scopeSchema })
  .openapi("Session");

/** Answer of GET /session/methods, for those who are not signed in yet. */
export const sessionMethodsSchema = z
  .object({
    apiKey: z.literal(true),
    password: z.boolean(),
    /** What the button says, and where it leads. */
    oidc: z.object({ label: z.string(), startUrl: z.string() }).nullable(),
  })
  .openapi("SessionMethods");

/** Query of GET /audit; newest first. */
export const auditQuerySchema = z.strictObject({
  ...pageQuery,
  /** Id of a key or user. */
  actor: z.string().max(64).optional(),
  /** The beginning of the action, such as `POST /api/v1/primaries` or `command DELETE`. */
  action: z.string().max(200).optional(),
  /** Such as `/primaries/<id>` or `/users/<id>`, whole. */
  target: z.string().max(200).optional(),
  result: z.string().max(64).optional(),
  /** Id of a primary: what was done to it, commands included. */
  primary: z.string().max(64).optional(),
  since: momentQuery.optional(),
  until: momentQuery.optional(),
});

/** An entry of the audit. */
export const auditEntrySchema = z
  .object({
    position: z.int(),
    time: moment,
    actor: z.object({ kind: z.enum(["api-key", "user"]), id: z.string(), name: z.string() }).nullable(),
    from: z.string(),
    action: z.string(),
    target: z.string(),
    result: z.string(),
    status: z.int().nullable(),
    requestId: z.string(),
  })
  .openapi("AuditEntry");
export const auditListSchema = listOf(auditEntrySchema).openapi("AuditList");

export type ApiKey = z.infer<typeof apiKeySchema>;
export type CreatedApiKey = z.infer<typeof createdApiKeySchema>;
export type User = z.infer<typeof userSchema>;
/** Who is signed in, as `GET /api/v1/session` answers it. */
export type SessionInfo = z.infer<typeof sessionSchema>;
export type SessionMethods = z.infer<typeof sessionMethodsSchema>;
export type AuditItem = z.infer<typeof auditEntrySchema>;
