import { z } from "zod";

/** How a primary speaks where NBWSS 1.0 does not say (protocol.md, COMMAND and NOTIFICATION); members that are missing are guessed. */
export const dialectEventSchema = z.object({
  statusMember: z.string().optional(),
  bodyMember: z.string().optional(),
  acknowledgement: z.enum(["array", "object", "absent"]).optional(),
});

/** How a primary speaks. */
export type PrimaryDialect = z.infer<typeof dialectEventSchema>;
