import type { BackupRow } from "../fleet/backups-view.ts";
import type { ImageRow } from "../fleet/images-view.ts";
import type { JobRow } from "../fleet/jobs-view.ts";
import type { Image, Job, LastGoodBackup } from "./fleet-schemas.ts";

/** A job as the API answers it. */
export function toJob(row: JobRow, nameOf: (id: string) => string): Job {
  return {
    primaryId: row.primary_id,
    primaryName: nameOf(row.primary_id),
    jobId: row.job_id,
    parentJobId: row.parent_job_id,
    jobType: textOrNull(row.type),
    state: row.state,
    status: row.status < 0 ? null : row.status,
    policyName: textOrNull(row.policy),
    policyType: textOrNull(row.policy_type),
    scheduleType: textOrNull(row.schedule),
    clientName: textOrNull(row.client),
    startTime: isoOrNull(row.start_ms),
    updatedAt: iso(row.updated_ms),
  };
}

/** An image as the API answers it. */
export function toImage(row: ImageRow, nameOf: (id: string) => string): Image {
  return {
    primaryId: row.primary_id,
    primaryName: nameOf(row.primary_id),
    backupId: row.backup_id,
    clientName: textOrNull(row.client),
    clientType: textOrNull(row.client_type),
    backupTime: isoOrNull(row.backup_ms),
    createdTime: isoOrNull(row.created_ms),
    lastOperation: row.operation,
    deleted: row.deleted === 1,
    hasLocalCopy: row.local_copy === 1,
    updatedAt: iso(row.updated_ms),
  };
}

/** The last good backup of a client by a policy as the API answers it. */
export function toLastGood(row: BackupRow, nameOf: (id: string) => string): LastGoodBackup {
  return {
    primaryId: row.primary_id,
    primaryName: nameOf(row.primary_id),
    clientName: row.client,
    policyName: row.policy,
    lastGoodAt: isoOrNull(row.good_ms),
    lastGoodJobId: row.good_job_id,
    isPartial: row.good_status === 1,
    lastStatus: row.done_status,
  };
}

function textOrNull(text: string): string | null {
  return text === "" ? null : text;
}

/** Epoch ms as ISO 8601. */
export function iso(ms: number): string {
  return new Date(ms).toISOString();
}

/** Epoch ms as ISO 8601, if there is one. */
export function isoOrNull(ms: number | null): string | null {
  return ms === null ? null : iso(ms);
}
