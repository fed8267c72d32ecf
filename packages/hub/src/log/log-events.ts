import { z } from "zod";

/** The data of each event about the log itself, by type. */
export const logEvents = {
  /**
   * Old events go from now on; written before the first of them is deleted. Gone are those whose type begins with one of `types` and
   * whose position is smaller than `before`, but for the newest `keepPerSource` of each source (counted among those before this
   * event). A view has to look, after this event, as if it had never seen them: then one that is folded anew equals one that was there.
   */
  "sallyport.log.trimmed": z.object({
    types: z.array(z.string()),
    before: z.int(),
    keepPerSource: z.int(),
    /** When the newest of them was stored. */
    until: z.string(),
    reason: z.enum(["age", "size"]),
  }),
} as const;
