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
  // Families of jobs, tries, and what lists of a million rows are found by: each list's own order and its usual filters.
  `
  ALTER TABLE jobs ADD COLUMN parent_id INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE jobs ADD COLUMN stream_number INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE jobs ADD COLUMN sub_type TEXT NOT NULL DEFAULT 'IMMEDIATE';
  ALTER TABLE jobs ADD COLUMN schedule_type TEXT NOT NULL DEFAULT 'FULL_BACKUP';
  ALTER TABLE jobs ADD COLUMN priority INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE jobs ADD COLUMN try INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE jobs ADD COLUMN max_tries INTEGER NOT NULL DEFAULT 1;
  ALTER TABLE jobs ADD COLUMN job_limit INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE jobs ADD COLUMN restart_of INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE jobs ADD COLUMN due_at_ms INTEGER;
  ALTER TABLE jobs ADD COLUMN try_started_at_ms INTEGER;
  UPDATE jobs SET try = 1, try_started_at_ms = started_at_ms WHERE started_at_ms IS NOT NULL;
  ALTER TABLE job_log ADD COLUMN try INTEGER NOT NULL DEFAULT 1;
  CREATE TABLE job_tries (
    job_id INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    try INTEGER NOT NULL,
    started_at_ms INTEGER NOT NULL,
    ended_at_ms INTEGER,
    status INTEGER NOT NULL DEFAULT 0,
    process_id INTEGER NOT NULL DEFAULT 0,
    kilobytes INTEGER NOT NULL DEFAULT 0,
    files INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (job_id, try)
  ) STRICT, WITHOUT ROWID;
  INSERT INTO job_tries SELECT id, 1, started_at_ms, ended_at_ms, status, process_id, kilobytes, files
    FROM jobs WHERE started_at_ms IS NOT NULL;
  CREATE INDEX jobs_by_state ON jobs (CASE WHEN state IN ('CANCELLING', 'SUSPENDING') THEN 'ACTIVE' ELSE state END, id);
  CREATE INDEX jobs_by_start ON jobs (coalesce(started_at_ms, queued_at_ms), id);
  CREATE INDEX jobs_by_end ON jobs (coalesce(ended_at_ms, 0), id);
  CREATE INDEX jobs_by_policy ON jobs (policy_name, id);
  CREATE INDEX jobs_by_client ON jobs (client_name, id);
  CREATE INDEX jobs_by_status ON jobs (status, id);
  CREATE INDEX jobs_by_parent ON jobs (parent_id, id) WHERE parent_id > 0;
  CREATE INDEX jobs_by_restart ON jobs (restart_of, id) WHERE restart_of > 0;
  ALTER TABLE images ADD COLUMN schedule_type TEXT NOT NULL DEFAULT 'FULL';
  ALTER TABLE images ADD COLUMN storage_unit TEXT NOT NULL DEFAULT 'stu_local';
  ALTER TABLE images ADD COLUMN worm_until_ms INTEGER;
  DROP INDEX images_by_time;
  CREATE INDEX images_by_time ON images (expiring, backup_time_s, backup_id);
  CREATE INDEX images_by_client ON images (expiring, client_name, backup_time_s, backup_id);
  CREATE INDEX images_by_policy ON images (expiring, policy_name, backup_time_s, backup_id);
  CREATE INDEX images_by_expiration ON images (expires_at_ms) WHERE expires_at_ms IS NOT NULL;
  `,
  // Who may call, who is signed in, and what they did.
  `
  CREATE TABLE api_keys (
    tag TEXT PRIMARY KEY,
    user_name TEXT NOT NULL REFERENCES users (name) ON DELETE CASCADE,
    key_hash TEXT NOT NULL UNIQUE,
    description TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL,
    expires_at_ms INTEGER NOT NULL,
    modified_at_ms INTEGER NOT NULL,
    revoked INTEGER NOT NULL DEFAULT 0
  ) STRICT;
  CREATE INDEX api_keys_by_user ON api_keys (user_name);
  ALTER TABLE sessions ADD COLUMN signed_in_at_ms INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE users ADD COLUMN created_at_ms INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE users ADD COLUMN last_login_at_ms INTEGER NOT NULL DEFAULT 0;
  CREATE TABLE audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms INTEGER NOT NULL,
    user_name TEXT NOT NULL,
    category TEXT NOT NULL,
    operation TEXT NOT NULL,
    message TEXT NOT NULL,
    reason TEXT NOT NULL
  ) STRICT;
  `,
  // What the scheduler looks at.
  `
  ALTER TABLE jobs ADD COLUMN window_end_ms INTEGER;
  CREATE INDEX jobs_by_schedule ON jobs (policy_name, client_name, schedule_name, id) WHERE parent_id = 0;
  CREATE TABLE host_lists (name TEXT PRIMARY KEY, entries TEXT NOT NULL) STRICT;
  `,
  // What administrators set of storage units.
  `
  CREATE TABLE storage_settings (
    name TEXT PRIMARY KEY,
    max_concurrent_jobs INTEGER NOT NULL,
    use_worm INTEGER NOT NULL,
    on_demand_only INTEGER NOT NULL
  ) STRICT;
  `,
  // Databases beside files.
  `
  ALTER TABLE jobs ADD COLUMN policy_type TEXT NOT NULL DEFAULT 'Standard';
  ALTER TABLE images ADD COLUMN policy_type TEXT NOT NULL DEFAULT 'Standard';
  `,
  // A client's or policy's jobs in the order of their start, as consoles ask for them: sorting those of a million would take a second.
  `
  CREATE INDEX jobs_by_client_start ON jobs (client_name, coalesce(started_at_ms, queued_at_ms), id);
  CREATE INDEX jobs_by_policy_start ON jobs (policy_name, coalesce(started_at_ms, queued_at_ms), id);
  `,
  // Lists of clients beside this machine's, whose host is ''.
  `
  CREATE TABLE lists_of_hosts (
    host TEXT NOT NULL, name TEXT NOT NULL, entries TEXT NOT NULL, PRIMARY KEY (host, name)
  ) STRICT, WITHOUT ROWID;
  INSERT INTO lists_of_hosts SELECT '', name, entries FROM host_lists;
  DROP TABLE host_lists;
  ALTER TABLE lists_of_hosts RENAME TO host_lists;
  `,
];
