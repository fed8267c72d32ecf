import { z } from "zod";
import { roles, scopeSchema } from "./roles.ts";

const id = z.string();
const role = z.enum(roles);

/** The data of each event about who may use the hub, by type. */
export const accessEvents = {
  "sallyport.api-key.created": z.object({
    id,
    name: z.string(),
    role,
    scope: scopeSchema.default({ kind: "all" }),
    /** SHA-256 of the key, hex. */
    keyHash: z.string(),
    /** ISO 8601; null for one that does not expire. */
    expiresAt: z.string().nullable().default(null),
  }),
  "sallyport.api-key.revoked": z.object({ id }),
  /** Written from time to time, not at each use; of old ones only the newest of each key is kept. */
  "sallyport.api-key.used": z.object({ id, at: z.string(), from: z.string() }),
  "sallyport.user.created": z.object({
    id,
    login: z.string(),
    name: z.string(),
    role,
    scope: scopeSchema,
    /** argon2id, in the PHC string format: a secret, since a bad password can be found from it. */
    passwordHash: z.string(),
  }),
  "sallyport.user.changed": z.object({
    id,
    name: z.string(),
    role,
    scope: scopeSchema,
    disabled: z.boolean(),
  }),
  "sallyport.user.password-set": z.object({ id, passwordHash: z.string() }),
  /** Of old ones only the newest of each user is kept. */
  "sallyport.user.signed-in": z.object({ id, from: z.string() }),
  "sallyport.user.deleted": z.object({ id }),
} as const;
