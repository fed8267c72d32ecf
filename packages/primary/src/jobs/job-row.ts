import { readPolicyType } from "../policies/policy-type.ts";
import type { JobState } from "./job-state.ts";
import type { Job, JobSubType, JobType, ScheduleType } from "./job.ts";

/** A row of the jobs' table. */
export interface JobRow {
  [column: string]: string | number | null;
}

/** Reads a row of the jobs' table. */
export function jobFromRow(row: JobRow): Job {
  const text = (column: string) => String(row[column] ?? "");
  const number = (column: string) => Number(row[column] ?? 0);
  const optional = (column: string) => (row[column] == null ? null : Number(row[column]));
  return {
    id: number("id"),
    parentId: number("parent_id"),
    streamNumber: number("stream_number"),
    restartOf: number("restart_of"),
    type: text("type") as JobType,
    subType: text("sub_type") as JobSubType,
    scheduleType: text("schedule_type") as ScheduleType,
    state: text("state") as JobState,
    status: number("status"),
    clientName: text("client_name"),
    policyName: text("policy_name"),
    policyType: readPolicyType(row["policy_type"]),
    scheduleName: text("schedule_name"),
    storageUnit: text("storage_unit"),
    owner: text("owner"),
    priority: number("priority"),
    tries: number("try"),
    maxTries: number("max_tries"),
    jobLimit: number("job_limit"),
    windowEndMs: optional("window_end_ms"),
    dueAtMs: optional("due_at_ms"),
    request: JSON.parse(text("request")) as unknown,
    backupId: row["backup_id"] == null ? null : text("backup_id"),
    queuedAtMs: number("queued_at_ms"),
    startedAtMs: optional("started_at_ms"),
    tryStartedAtMs: optional("try_started_at_ms"),
    endedAtMs: optional("ended_at_ms"),
    updatedAtMs: number("updated_at_ms"),
    processId: number("process_id"),
    percentComplete: number("percent_complete"),
    kilobytes: number("kilobytes"),
    kilobytesTotal: number("kilobytes_total"),
    files: number("files"),
    filesTotal: number("files_total"),
    currentFile: text("current_file"),
  };
}
