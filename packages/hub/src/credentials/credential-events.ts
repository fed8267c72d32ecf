import { z } from "zod";

/** The data of each event about a primary's stored credential, by type; never the credential. */
export const credentialEvents = {
  "sallyport.credential.set": z.object({ id: z.string(), kind: z.enum(["password", "api-key"]) }),
  "sallyport.credential.removed": z.object({ id: z.string() }),
} as const;
