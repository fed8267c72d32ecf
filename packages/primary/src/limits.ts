/** Every bound of the primary: unit in the name, reason beside it. */
export const limits = {
  /** A policy with a thousand long selections fits; what is larger is refused with 413. */
  maxJsonBodyBytes: 1024 * 1024,
  /** A restore names its files one by one; what is larger is refused with 413. */
  maxRecoveryBodyBytes: 8 * 1024 * 1024,
  /** What a refusal names of what is wrong with a body; a list of a thousand wrong entries is refused as well with the first. */
  maxAttributeErrors: 20,
  /** NetBackup's default page. */
  defaultPageItems: 10,
  /** NetBackup's largest page of jobs and of images. */
  maxPageItems: 100,
  /** NetBackup's default and largest page of an image's contents. */
  defaultContentItems: 200,
  maxContentItems: 10_000,
  /** Images whose contents are being read by pages, each by a restic that waits; beyond it a new request is refused with 503. */
  maxContentRequests: 4,
  /** A reader of contents who has not asked for the next page by then is forgotten. */
  contentIdleMs: 5 * 60_000,
  /** Images that one look into a folder goes through, newest first. */
  maxBrowsedImages: 10,
  /** Entries of a folder that a look into it takes; in a larger one it has to be read by pages of the whole image. */
  maxBrowsedEntries: 100_000,
  /** Images of one request to verify or expire. */
  maxSelectedImages: 1000,
  /** The longest lock of an immutable image; one that never expires is locked for as long. */
  maxWormLockMs: 3650 * 86_400_000,
  /** Images whose sizes are being counted at once, each by a restic; beyond it one is refused with 503. */
  maxMeasuredImages: 2,
  /** NetBackup's largest page of policies. */
  maxPolicyPageItems: 500,
  /** NetBackup's largest page of the clients of all policies. */
  maxUniqueClients: 5000,
  /** Jobs of one bulk request: NetBackup's own bound; more are refused with 413. */
  maxBulkJobs: 1024,
  /** Bulk requests whose results are remembered; beyond it the oldest is forgotten. */
  maxBulkRequests: 100,
  /** More clauses than a person writes; a longer filter is refused with 400. */
  maxFilterCharacters: 4096,
  /** Parentheses and "not" within each other, since reading them recurses; a deeper filter is refused with 400. */
  maxFilterDepth: 32,
  /** SQLite takes 32,766 parameters; a filter with more values than this is refused with 400. */
  maxFilterValues: 250,
  /** Backup selections of one policy, and selections of one restore: they become arguments of one restic run. */
  maxSelections: 1000,
  /** Linux's own bound for one path (PATH_MAX). */
  maxPathBytes: 4096,
  /** Policies that there may be: each is looked at by every tick of the scheduler. */
  maxPolicies: 1000,
  /** Schedules of one policy. */
  maxSchedules: 64,
  /** How often the scheduler looks for backups that are due. */
  schedulerTickMs: 15_000,
  /** Tries of a scheduled backup, and how long its schedule is left alone when they have failed: NetBackup's defaults. */
  scheduledTries: 2,
  scheduleHoldMs: 12 * 3_600_000,
  /** Capacity is counted by the full backups of the last 90 days. */
  capacitySeconds: 90 * 86_400,
  /** NetBackup's validity of a session. */
  sessionSeconds: 86_400,
  /** How long an API key may be valid. */
  maxApiKeyDays: 3650,
  /** Entries of the audit that are kept; beyond it the oldest go. */
  maxAuditEntries: 100_000,
  /** What is kept of a caller's reason: NetBackup's own bound. */
  maxAuditReasonBytes: 512,
  /** Sessions kept; beyond it the oldest ends. */
  maxSessions: 10_000,
  /** Tokens whose signature need not be verified again; beyond it that of the oldest is, at its next request. */
  maxVerifiedTokens: 1000,
  /** Failed logins of one user from one address within the window; beyond it every try is refused unheard. */
  maxFailedLogins: 10,
  failedLoginWindowMs: 60_000,
  /** Users and addresses that failed logins are counted for; beyond it the oldest is forgotten. */
  maxFailedLoginKeys: 10_000,
  /** What a new password has to have at least: the hub's rule. Nothing else is asked of it, as NIST SP 800-63B advises. */
  minPasswordCharacters: 12,
  /** Passwords hashed at once, since each takes 32 MiB; and waiting for it, beyond which a login is refused with 503. */
  maxConcurrentHashes: 2,
  maxWaitingHashes: 64,
  /** What is shown of restic's lines about a storage unit that is down; the newest stay. */
  maxReasonCharacters: 2000,
  /** Storage servers, disk pools and storage units of each; a further one is refused with 400. */
  maxStorageUnits: 64,
  /** NetBackup's default for the percent of a disk in use from which on no backup begins. */
  highWaterMark: 98,
  /** What an administrator may set for it at most. */
  maxJobsOfStorageUnit: 32,
  /** Jobs that run at once on a storage unit unless an administrator sets another number; the others wait as QUEUED. */
  maxConcurrentJobs: 2,
  /** Jobs that run at once on all storage units together, since each may be a restic, or serve one of a client; the others wait as QUEUED. */
  maxRunningJobs: 32,
  /** Jobs that wait, children of a parent among them; beyond it a new one is refused with 503. */
  maxQueuedJobs: 1000,
  /** How long a failed scheduled job waits for its next try: NetBackup's job retry delay. */
  jobRetryDelayMs: 10 * 60_000,
  /** A job's progress is written at most this often. Restic tells it five times a second, so that it is written once a second at least. */
  progressIntervalMs: 500,
  /** Lines of a job's log; beyond it only the last line, which says so, and the job's end are added. */
  maxJobLogLines: 1000,
  /** What is kept of restic's standard error for the job's log. */
  maxStderrBytes: 64 * 1024,
  /** A longer line of restic is dropped: its progress names few files, of 4 KiB at most each. */
  maxOutputLineBytes: 1024 * 1024,
  /** A list of snapshots comes as one line; this is about 100,000 snapshots. */
  maxListingBytes: 64 * 1024 * 1024,
  /** Restic cleans up after SIGINT; when it has not ended by then it is killed. */
  resticInterruptMs: 10_000,
  /** Entries of each list that the administrator on premises keeps: commands, databases, clients. */
  maxPremisesEntries: 1000,
  maxPremisesFileBytes: 16 * 1024 * 1024,
  /** Arguments of a command on premises, its program among them. */
  maxCommandArguments: 100,
  /** How long a command on premises may take unless it says otherwise (NetBackup's 5 minutes), and at most. */
  defaultCommandSeconds: 300,
  maxCommandSeconds: 86_400,
  /** What is kept of a command's output, its end, for the job's log. */
  maxCommandOutputBytes: 16 * 1024,
  maxCommandOutputLines: 100,
  /** How long the rest of a command's output is waited for when something it started holds it open. */
  commandDrainMs: 1000,
  /** Requests that a client's restic may have under way, and the largest file that it may add: a pack of restic is 16 MiB, an index a few. */
  maxBridgeStreams: 32,
  maxBridgeFileBytes: 512 * 1024 * 1024,
  /** What is kept of one line of it: a path, and what is wrong with it. */
  maxClientLineCharacters: 8192,
  /** Lines of a client's output that are kept for the job's log, the last ones. */
  maxClientLines: 500,
  /** A command, dump or ssh that has not ended this long after SIGTERM is killed. */
  childTerminateMs: 10_000,
  /** How often images that reached their expiration are looked for, and what failed is tried again. */
  expirySweepMs: 60_000,
  /** When a job's end can't be written (disk full), it is tried again after this. */
  finishRetryMs: 5000,
  /** Connections of one listener; more wait in the kernel. */
  maxConnections: 1000,
} as const;
