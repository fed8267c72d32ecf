import type { PolicyType } from "../policies/policy-type.ts";

/** What an image was made by, in the catalogue's words. */
export type ImageScheduleType = "FULL" | "DIFFERENTIAL_INCREMENTAL" | "CUMULATIVE_INCREMENTAL";

/** A backup that can be restored: one snapshot of restic. */
export interface CatalogueImage {
  /** `<client>_<epochSeconds>` */
  backupId: string;
  /** Restic's full snapshot id. */
  snapshotId: string;
  clientName: string;
  policyName: string;
  scheduleName: string;
  scheduleType: ImageScheduleType;
  policyType: PolicyType;
  /** Where its snapshot is. */
  storageUnit: string;
  jobId: number;
  /** Epoch seconds. */
  backupTimeS: number;
  /** When it was catalogued, epoch seconds. */
  createdAtS: number;
  elapsedS: number;
  kilobytes: number;
  /** What was new to the repository, before compression. */
  kilobytesStored: number;
  files: number;
  /** 0 or 1 (some files could not be read). */
  status: number;
  /** Epoch ms; null: never. */
  expiresAtMs: number | null;
  /** Until then nothing may delete it, epoch ms; null: it may be deleted at any time. */
  wormUntilMs: number | null;
  /** It is to be deleted and no longer shown; the repository may still hold it for a while. */
  expiring: boolean;
}
