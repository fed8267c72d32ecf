import { z } from "zod";

/** The data of each event about a primary's enrolment, by type. */
export const enrolmentEvents = {
  "sallyport.primary.enrolled": z.object({
    id: z.string(),
    name: z.string(),
    labels: z.record(z.string(), z.string()),
    groupId: z.string(),
    priority: z.int(),
    /** SHA-256 of the token, hex. */
    tokenHash: z.string(),
  }),
  "sallyport.primary.deleted": z.object({ id: z.string(), name: z.string() }),
  "sallyport.primary.details.fetched": z.object({ id: z.string(), remoteAddress: z.string() }),
} as const;
