import { z } from "@hono/zod-openapi";
import { roles } from "../access/roles.ts";

const labels = z.record(z.string().regex(/^[\w.-]{1,64}$/), z.string().max(256));
const name = z
  .string()
  .min(1)
  .max(128)
  // One line, without blanks at the ends: it is shown, logged and typed.
  .regex(/^[^\s\p{C}](?:[^\p{C}\p{Zl}\p{Zp}]*[^\s\p{C}])?$/u, "one line, without blanks at its ends");

/** Body of POST /primaries. */
export const newPrimarySchema = z
  .strictObject({
    name,
    labels: labels.default({}),
    groupId: z
      .string()
      .regex(/^[\w.-]{1,64}$/)
      .default("sallyport"),
    priority: z.int().min(0).max(1_000_000).default(1),
  })
  .openapi("NewPrimary");

/** What an administrator adds on the primary. */
export const endpointDetailsSchema = z
  .object({
    token: z.string(),
    priority: z.int(),
    groupId: z.string(),
    hostName: z.string(),
    url: z.string(),
  })
  .openapi("EndpointDetails");

/** Answer of POST /primaries. */
export const enrolledPrimarySchema = z
  .object({ id: z.string(), name: z.string(), endpoint: endpointDetailsSchema, detailsUrl: z.string() })
  .openapi("EnrolledPrimary");

/** A primary with its connection. */
export const primarySummarySchema = z
  .object({
    id: z.string(),
    name: z.string(),
    labels: z.record(z.string(), z.string()),
    groupId: z.string(),
    priority: z.int(),
    createdAt: z.string(),
    connection: z.object({
      state: z.enum(["connected", "disconnected", "never"]),
      since: z.string().nullable(),
      lastSeenAt: z.string().nullable(),
      remoteAddress: z.string().nullable(),
      closeCode: z.int().nullable(),
      closeReason: z.string().nullable(),
    }),
  })
  .openapi("PrimarySummary");

/** Answer of GET /primaries. */
export const primaryListSchema = z.object({ data: z.array(primarySummarySchema) }).openapi("PrimaryList");

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

/** A primary with its connection, as `GET /api/v1/primaries` answers it. */
export type PrimarySummary = z.infer<typeof primarySummarySchema>;
/** Who is signed in, as `GET /api/v1/session` answers it. */
export type SessionInfo = z.infer<typeof sessionSchema>;
