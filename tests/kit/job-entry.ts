import type { NotificationEntry } from "@sallyport/nbwss";

/** One JOB notification, as NetBackup's documentation shows it (NBWSS, NOTIFICATION). */
export function jobEntry(jobId: number, clientName: string): NotificationEntry {
  return {
    notificationType: "INFO",
    object: "JOB",
    data: [
      {
        jobId,
        parentJobId: jobId,
        jobType: "BACKUP",
        state: "DONE",
        status: 0,
        policyName: "nightly",
        policyType: "STANDARD",
        scheduleType: "ST_FULL",
        clientName,
        startTime: 1_795_000_000 + jobId,
      },
    ],
  };
}
