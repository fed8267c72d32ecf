import { z } from "zod";

/** A job as a notification names it (NBWSS, NOTIFICATION). Members that we do not know are kept. */
export const jobItem = z.looseObject({
  jobId: z.int(),
  /** The job's own id when it has no parent. */
  parentJobId: z.int(),
  jobType: z.string(),
  state: z.string(),
  status: z.int(),
  policyName: z.string(),
  policyType: z.string(),
  scheduleType: z.string(),
  clientName: z.string(),
  /** Seconds since the epoch. */
  startTime: z.int(),
});

/** What happened to an image. */
export const imageOperations = ["CREATE", "UPDATE", "DELETE", "NO_LOCAL_COPY_AVAILABLE"] as const;

/** An image as a notification names it (NBWSS, NOTIFICATION). Members that we do not know are kept. */
export const imageItem = z.looseObject({
  /** `<client>_<epoch seconds>`. */
  backupId: z.string(),
  clientName: z.string(),
  clientType: z.string(),
  /** Seconds since the epoch. */
  backupTime: z.int(),
  /** Seconds since the epoch. */
  createdTime: z.int(),
  operationId: z.enum(imageOperations),
});

export type JobItem = z.infer<typeof jobItem>;
export type ImageItem = z.infer<typeof imageItem>;
