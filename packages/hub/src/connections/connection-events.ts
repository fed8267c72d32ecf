import { z } from "zod";

/** The data of each event about a primary's connection, by type. */
export const connectionEvents = {
  "sallyport.connection.connected": z.object({
    id: z.string(),
    groupId: z.string(),
    epoch: z.int(),
    remoteAddress: z.string(),
  }),
  "sallyport.connection.disconnected": z.object({
    id: z.string(),
    groupId: z.string(),
    epoch: z.int(),
    remoteAddress: z.string(),
    lastSeenAt: z.string(),
    closeCode: z.int(),
    closeReason: z.string(),
  }),
} as const;
