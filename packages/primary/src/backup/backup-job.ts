import { z } from "zod";
import { unitOfClient } from "../clients/client-unit.ts";
import type { ClientFile } from "../clients/ssh-client.ts";
import type { NewJob, ScheduleType } from "../jobs/job.ts";
import type { Policy } from "../policies/policy.ts";
import { readPolicyType } from "../policies/policy-type.ts";
import { retentionOf, type Schedule } from "../policies/schedule.ts";
import type { StorageUnits } from "../storage/storage-units.ts";

/** What a BACKUP job keeps of the policy at the moment it was made. */
export const backupRequestSchema = z.object({
  selections: z.array(z.string()),
  retention: z
    .object({
      value: z.number().nullish(),
      unit: z.enum(["SECONDS", "MINUTES", "HOURS", "DAYS", "WEEKS", "MONTHS", "YEARS", "INFINITE"]).nullish(),
    })
    .optional(),
});

type BackupRequest = z.infer<typeof backupRequestSchema>;

const scheduleTypes: Readonly<Record<string, ScheduleType>> = {
  "Differential Incremental Backup": "DIFFERENTIAL_INCREMENTAL_BACKUP",
  "Cumulative Incremental Backup": "CUMULATIVE_INCREMENTAL_BACKUP",
};

/** What decides where a backup goes. */
export interface BackupPlaces {
  units: Pick<StorageUnits, "choose">;
  clients: Pick<ClientFile, "find">;
}

/** NetBackup's word for a policy without a limit of jobs. */
const noLimit = 2_147_483_647;

/**
 * The job that backs up one client by a policy and a schedule, if it has one. With multiple data streams it is a parent
 * of a job for each selection, and always with several databases.
 */
export function backupJob(
  policy: Policy,
  schedule: Schedule | undefined,
  clientName: string,
  { units, clients }: BackupPlaces,
): NewJob {
  const { policyAttributes, backupSelections, policyName } = policy;
  const retention = retentionOf(schedule);
  const requestFor = (selections: string[]): BackupRequest => ({
    selections,
    ...(retention === undefined ? {} : { retention }),
  });
  const { selections } = backupSelections;
  const policyType = readPolicyType(policy.policyType);
  // Each database is an image of its own.
  const isSplit = policyAttributes.useMultipleDataStreams === true || policyType !== "Standard";
  const isParent = isSplit && selections.length > 1;
  const jobLimit = policyAttributes.jobLimit ?? 0;
  return {
    type: "BACKUP",
    clientName,
    policyName,
    policyType,
    scheduleName: schedule?.scheduleName ?? "",
    scheduleType: scheduleTypes[schedule?.backupType ?? ""] ?? "FULL_BACKUP",
    // Whatever the policy says: its key must open nothing but its own.
    storageUnit:
      clients.find(clientName) !== undefined
        ? unitOfClient(clientName)
        : units.choose(schedule?.backupCopies?.copies?.[0]?.storage, policyAttributes.storage),
    owner: "root",
    priority: policyAttributes.priority ?? 0,
    jobLimit: jobLimit >= noLimit ? 0 : jobLimit,
    request: isParent ? { streams: selections.map((path) => requestFor([path])) } : requestFor(selections),
  };
}
