import { z } from "zod";
import { roles, scopeSchema } from "./roles.ts";

/** The data of each event about who may use the hub, by type. */
export const accessEvents = {
  "sallyport.api-key.created": z.object({
    id: z.string(),
    name: z.string(),
    role: z.enum(roles),
    scope: scopeSchema.default({ kind: "all" }),
    /** SHA-256 of the key, hex. */
    keyHash: z.string(),
  }),
  "sallyport.api-key.revoked": z.object({ id: z.string() }),
} as const;
