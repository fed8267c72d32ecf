import { z } from "zod";
import { commandStates } from "./command-states.ts";

/** The data of each event about stored commands, by type. */
export const commandEvents = {
  "sallyport.command.finished": z.object({
    id: z.string(),
    primaryId: z.string(),
    method: z.string(),
    path: z.string(),
    state: z.enum(commandStates),
    /** The status of the primary's answer; null when there was none. */
    status: z.int().nullable(),
  }),
} as const;
