import { randomUUID } from "node:crypto";
import type { NotificationEntry } from "@sallyport/nbwss";

/** The entries of one notification: one job, as NetBackup's documentation shows it. */
export function jobEntries(jobId: number): NotificationEntry[] {
  return [
    {
      notificationType: "UPDATE",
      object: "JOB",
      data: [
        {
          jobId,
          parentJobId: jobId,
          jobType: "BACKUP",
          state: "DONE",
          status: 0,
          policyName: "store-nightly-full",
          policyType: "STANDARD",
          scheduleType: "FULL",
          clientName: "store-17.example.com",
          startTime: 1_760_000_000,
          pad: "x".repeat(190),
        },
      ],
    },
  ];
}

/** A whole message of some 600 bytes, as it travels over NBWSS and as the peers are given it to store. */
export function jobMessage(jobId: number): string {
  return JSON.stringify({
    version: "1.0",
    id: randomUUID().toUpperCase(),
    type: "NOTIFICATION",
    subType: "REQUEST",
    timeStamp: 1_760_000_000,
    payload: jobEntries(jobId),
  });
}
