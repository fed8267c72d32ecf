import { constantField, constantWord } from "../filter/constant-field.ts";
import type { FilterFields } from "../filter/filter.ts";
import type { SortKey } from "../filter/sort.ts";

const start = "coalesce(started_at_ms, queued_at_ms)";
const tryStart = `coalesce(try_started_at_ms, ${start})`;
/** Of a job that runs, up to its latest news: a filter has no clock. */
const until = "coalesce(ended_at_ms, updated_at_ms)";

/** What jobs can be filtered and sorted by; the expressions of `schema.ts`' indexes are found only when written the same. */
const storedFields: FilterFields = {
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
  policyType: { sql: "CASE policy_type WHEN 'Standard' THEN 'STANDARD' ELSE 'DATASTORE' END", type: "enum" },
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
  activeTryStartTime: { sql: tryStart, type: "timeMs" },
  endTime: { sql: "coalesce(ended_at_ms, 0)", type: "timeMs" },
  lastUpdateTime: { sql: "updated_at_ms", type: "timeMs" },
  jobPath: { sql: "CASE parent_id WHEN 0 THEN '' || id ELSE parent_id || '.' || id END", type: "text" },
  restoreBackupIDs: {
    sql: `CASE type WHEN 'RESTORE' THEN (SELECT coalesce(group_concat(DISTINCT json_extract(move.value, '$.backupId')), '')
      FROM json_each(request, '$.moves') AS move) ELSE '' END`,
    type: "text",
  },
  currentFile: { sql: "current_file", type: "text" },
  currentOperation: {
    sql: "CASE WHEN json_type(request, '$.streams') IS NOT NULL THEN 27 WHEN type = 'RESTORE' THEN 14 WHEN type = 'VERIFY' THEN 13 ELSE 3 END",
    type: "number",
  },
  transferRate: {
    sql: `CASE WHEN ${until} > ${tryStart} THEN kilobytes * 1000 / (${until} - ${tryStart}) ELSE 0 END`,
    type: "number",
  },
  elapsedTime: { sql: `(${until} - ${start}) / 1000`, type: "seconds" },
  activeElapsedTime: { sql: `(${until} - ${tryStart}) / 1000`, type: "seconds" },
  // What NetBackup's jobs can be asked for and no job here has.
  ...Object.fromEntries(
    [
      "assetID",
      "assetDisplayableName",
      "workloadDisplayName",
      "destinationMediaId",
      "instanceDatabaseName",
      "profileName",
      "robotName",
      "vaultName",
      "qResource",
      "dumpHost",
    ].map((name) => [name, constantField("")]),
  ),
  ...Object.fromEntries(
    ["dedupRatio", "acceleratorOptimization", "sessionId", "qReasonCode", "numberOfTapeToEject"].map(
      (name) => [name, constantField(0)],
    ),
  ),
  applicationType: constantWord("NONE"),
  dataMovement: constantWord("STANDARD"),
  offHostType: constantWord("STANDARD"),
  transportType: constantWord("LAN"),
  dteMode: constantWord("ON"),
};

/** The same, with what depends on the primary. */
export function jobFieldsOf(primaryName: string): FilterFields {
  const name = constantField(primaryName).sql;
  return {
    ...storedFields,
    destinationMediaServerName: { sql: `CASE type WHEN 'BACKUP' THEN ${name} ELSE '' END`, type: "text" },
    sourceMediaServerName: { sql: `CASE type WHEN 'RESTORE' THEN ${name} ELSE '' END`, type: "text" },
  };
}

/** The order of jobs that nothing else orders: newest first. */
export const newestJobFirst: SortKey = { sql: "id", isDescending: true };
