import type { FilterFields } from "../filter/filter.ts";
import type { SortKey } from "../filter/sort.ts";

const start = "coalesce(started_at_ms, queued_at_ms)";

/** What jobs can be filtered and sorted by; the expressions of `schema.ts`' indexes are found only when written the same. */
export const jobFields: FilterFields = {
  jobId: { sql: "id", type: "number" },
  parentJobId: { sql: "parent_id", type: "number" },
  status: { sql: "status", type: "number" },
  state: {
    sql: "CASE WHEN state IN ('CANCELLING', 'SUSPENDING') THEN 'ACTIVE' ELSE state END",
    type: "enum",
  },
  jobType: { sql: "type", type: "enum" },
  jobSubType: { sql: "sub_type", type: "enum" },
  policyName: { sql: "policy_name", type: "text" },
  policyType: { sql: "'STANDARD'", type: "enum" },
  scheduleName: { sql: "schedule_name", type: "text" },
  scheduleType: { sql: "schedule_type", type: "enum" },
  clientName: { sql: "client_name", type: "text" },
  jobOwner: { sql: "owner", type: "text" },
  backupId: { sql: "backup_id", type: "text", isNullable: true },
  destinationStorageUnitName: { sql: "CASE type WHEN 'BACKUP' THEN storage_unit ELSE '' END", type: "text" },
  priority: { sql: "priority", type: "number" },
  try: { sql: "try", type: "number" },
  copyNumber: { sql: "CASE type WHEN 'BACKUP' THEN 1 ELSE 0 END", type: "number" },
  percentComplete: { sql: "percent_complete", type: "number" },
  kilobytesTransferred: { sql: "kilobytes", type: "number" },
  numberOfFiles: { sql: "files", type: "number" },
  activeProcessId: { sql: "CASE state WHEN 'DONE' THEN 0 ELSE process_id END", type: "number" },
  startTime: { sql: start, type: "timeMs" },
  activeTryStartTime: { sql: `coalesce(try_started_at_ms, ${start})`, type: "timeMs" },
  endTime: { sql: "coalesce(ended_at_ms, 0)", type: "timeMs" },
  lastUpdateTime: { sql: "updated_at_ms", type: "timeMs" },
};

/** The order of jobs that nothing else orders: newest first. */
export const newestJobFirst: SortKey = { sql: "id", isDescending: true };
