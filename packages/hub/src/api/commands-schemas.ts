import { z } from "@hono/zod-openapi";
import { commandStates } from "../commands/command-states.ts";
import { listOf, pageQuery } from "./paging.ts";

/** Query of GET /commands; newest first. */
export const commandsQuerySchema = z.strictObject({
  ...pageQuery,
  primary: z.string().max(64).optional(),
  state: z.enum(commandStates).optional(),
});
/** A stored command. */
export const storedCommandSchema = z
  .object({
    id: z.string(),
    primaryId: z.string(),
    method: z.string(),
    /** Without its query. */
    path: z.string(),
    state: z.enum(commandStates),
    createdAt: z.string(),
    createdBy: z.string(),
    expiresAt: z.string(),
    finishedAt: z.string().nullable(),
    /** The end state of the relay, such as `not_connected` or `lost`; null while it is under way, and when the primary answered. */
    error: z.string().nullable(),
    mayHaveBeenExecuted: z.boolean(),
    retrySafe: z.boolean(),
    /** The primary's answer, for one hour; only from GET /commands/{id}. */
    answer: z
      .object({ status: z.int(), headers: z.record(z.string(), z.string()), body: z.string() })
      .nullable()
      .optional(),
  })
  .openapi("StoredCommand");
export const commandListSchema = listOf(storedCommandSchema).openapi("StoredCommandList");

/** Body of PUT /primaries/{id}/credential. */
export const newCredentialSchema = z
  .union([
    z.strictObject({
      userName: z.string().min(1).max(256),
      password: z.string().min(1).max(1_024),
      domainName: z.string().max(256).optional(),
      domainType: z.string().max(64).optional(),
    }),
    z.strictObject({ apiKey: z.string().min(1).max(4_096) }),
  ])
  .openapi("NewCredential");
/** Answer of GET /primaries/{id}/credential: never the secret. */
export const credentialSchema = z
  .object({
    kind: z.enum(["password", "api-key"]),
    userName: z.string().nullable(),
    domainName: z.string().nullable(),
    domainType: z.string().nullable(),
    setAt: z.string(),
    setBy: z.string(),
    /** Whether the last login with it worked; null before the first. */
    lastLoginOk: z.boolean().nullable(),
    lastLoginAt: z.string().nullable(),
  })
  .openapi("Credential");

export type StoredCommand = z.infer<typeof storedCommandSchema>;
export type Credential = z.infer<typeof credentialSchema>;
