import { z } from "zod";

/** The data of each event about the hub's own data, by type. */
export const backupEvents = {
  /** The first event after a restore: what was stored between the backup and the restore is not there. */
  "sallyport.hub.restored": z.object({
    /** When the backup was made, ISO 8601. */
    backedUpAt: z.string(),
    /** The newest position that the backup has. Positions after it up to this event are not used again. */
    lastPosition: z.int(),
  }),
} as const;
