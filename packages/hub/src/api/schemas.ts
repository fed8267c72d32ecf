import { z } from "@hono/zod-openapi";

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
