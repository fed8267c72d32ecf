import { jobPolicyType } from "../policies/policy-type.ts";
import type { CatalogueImage } from "../catalogue/image.ts";
import type { Job } from "../jobs/job.ts";

/** A job's state as NBWSS tells it (NBWSS, notifications). */
export interface JobNotificationItem {
  jobId: number;
  /** Its own jobId for a job without a parent. */
  parentJobId: number;
  jobType: string;
  state: "ACTIVE" | "DONE";
  status: number;
  policyName: string;
  policyType: string;
  scheduleType: string;
  clientName: string;
  /** Epoch seconds. */
  startTime: number;
}

/** What happened to an image (NBWSS, notifications). */
export interface ImageNotificationItem {
  backupId: string;
  clientName: string;
  clientType: string;
  /** Epoch seconds. */
  backupTime: number;
  /** Epoch seconds. */
  createdTime: number;
  operationId: "CREATE" | "DELETE";
}

/** One entry of the payload of an NBWSS NOTIFICATION. */
export type Notification =
  | { notificationType: "INFO"; object: "JOB"; data: JobNotificationItem[] }
  | { notificationType: "INFO"; object: "IMAGE"; data: ImageNotificationItem[] };

/** Where notifications go; implemented by the outbox that shares the primary's database. */
export interface NotificationJournal {
  /**
   * Keeps notifications, in order. It is called inside the open transaction that changes the job or image, on the
   * same database, and has to be synchronous: both are committed together, or neither.
   */
  append(notifications: readonly Notification[]): void;
  /** Called after that commit, so that the sender can wake up. It must not throw. */
  flush?(): void;
}

const scheduleTypes = {
  FULL_BACKUP: "ST_FULL",
  DIFFERENTIAL_INCREMENTAL_BACKUP: "ST_DINC",
  CUMULATIVE_INCREMENTAL_BACKUP: "ST_CINC",
} as const;

/** The notification of a job that has just become ACTIVE or DONE. */
export function jobNotification(job: Job): Notification {
  return {
    notificationType: "INFO",
    object: "JOB",
    data: [
      {
        jobId: job.id,
        parentJobId: job.parentId === 0 ? job.id : job.parentId,
        jobType: job.type,
        state: job.state === "DONE" ? "DONE" : "ACTIVE",
        status: job.status,
        policyName: job.policyName,
        policyType: jobPolicyType(job.policyType),
        scheduleType: scheduleTypes[job.scheduleType],
        clientName: job.clientName,
        startTime: Math.floor((job.startedAtMs ?? job.queuedAtMs) / 1000),
      },
    ],
  };
}

/** The notification of an image that has just been made or deleted. */
export function imageNotification(image: CatalogueImage, operationId: "CREATE" | "DELETE"): Notification {
  return {
    notificationType: "INFO",
    object: "IMAGE",
    data: [
      {
        backupId: image.backupId,
        clientName: image.clientName,
        clientType: "STANDARD",
        backupTime: image.backupTimeS,
        createdTime: image.createdAtS,
        operationId,
      },
    ],
  };
}
