import { z } from "@hono/zod-openapi";
import { roles } from "../access/roles.ts";

/** Body of POST /session. */
export const newSessionSchema = z.strictObject({ apiKey: z.string().min(1).max(1024) }).openapi("NewSession");

/** Answer of GET /session. */
export const sessionSchema = z.object({ name: z.string(), role: z.enum(roles) }).openapi("Session");

/** An error (RFC 9457, with NetBackup's members). */
export const problemSchema = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.string(),
    errorCode: z.int(),
    errorMessage: z.string(),
    errorDetails: z.array(z.string()),
    retrySafe: z.boolean(),
    mayHaveBeenExecuted: z.boolean().optional(),
  })
  .openapi("Problem");

/** Who is signed in, as `GET /api/v1/session` answers it. */
export type SessionInfo = z.infer<typeof sessionSchema>;
