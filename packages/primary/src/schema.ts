import type { Migration } from "@sallyport/durable";

/** The primary's tables, oldest step first. */
export const migrations: readonly Migration[] = [
  `
  CREATE TABLE users (name TEXT PRIMARY KEY, password_hash TEXT NOT NULL) STRICT;
  CREATE TABLE sessions (id TEXT PRIMARY KEY, user_name TEXT NOT NULL, expires_at_ms INTEGER NOT NULL) STRICT;
  CREATE TABLE policies (name TEXT PRIMARY KEY, generation INTEGER NOT NULL, definition TEXT NOT NULL) STRICT;
  CREATE TABLE jobs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    type TEXT NOT NULL,
    state TEXT NOT NULL,
    status INTEGER NOT NULL DEFAULT 0,
    client_name TEXT NOT NULL,
    policy_name TEXT NOT NULL,
    schedule_name TEXT NOT NULL,
    storage_unit TEXT NOT NULL,
    owner TEXT NOT NULL,
    request TEXT NOT NULL,
    backup_id TEXT UNIQUE,
    queued_at_ms INTEGER NOT NULL,
    started_at_ms INTEGER,
    ended_at_ms INTEGER,
    updated_at_ms INTEGER NOT NULL,
    percent_complete INTEGER NOT NULL DEFAULT 0,
    kilobytes INTEGER NOT NULL DEFAULT 0,
    kilobytes_total INTEGER NOT NULL DEFAULT 0,
    files INTEGER NOT NULL DEFAULT 0,
    files_total INTEGER NOT NULL DEFAULT 0,
    current_file TEXT NOT NULL DEFAULT '',
    process_id INTEGER NOT NULL DEFAULT 0
  ) STRICT;
  CREATE INDEX jobs_open ON jobs (id) WHERE state <> 'DONE';
  CREATE TABLE job_log (
    job_id INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    line INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    severity TEXT NOT NULL,
    message TEXT NOT NULL,
    PRIMARY KEY (job_id, line)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE images (
    backup_id TEXT PRIMARY KEY,
    snapshot_id TEXT NOT NULL,
    client_name TEXT NOT NULL,
    policy_name TEXT NOT NULL,
    schedule_name TEXT NOT NULL,
    job_id INTEGER NOT NULL,
    backup_time_s INTEGER NOT NULL,
    created_at_s INTEGER NOT NULL,
    elapsed_s INTEGER NOT NULL,
    kilobytes INTEGER NOT NULL,
    kilobytes_stored INTEGER NOT NULL,
    files INTEGER NOT NULL,
    status INTEGER NOT NULL,
    expires_at_ms INTEGER,
    expiring INTEGER NOT NULL DEFAULT 0
  ) STRICT;
  CREATE INDEX images_by_time ON images (backup_time_s);
  CREATE TABLE restic_processes (pid INTEGER PRIMARY KEY, start_time TEXT NOT NULL, command TEXT NOT NULL) STRICT;
  CREATE TABLE staging_folders (path TEXT PRIMARY KEY, job_id INTEGER NOT NULL) STRICT;
  `,
];
