import type { OutboxBounds } from "./outbox/outbox.ts";

/** Every bound of the NBWSS service. */
export interface AgentLimits {
  /** Notifications of one group that are sent and not yet acknowledged; more wait in the outbox. */
  maxUnacknowledged: number;
  /** How long an endpoint that speaks `sallyport.v1` may take to say how far it has stored notifications, ms; then they are not numbered. */
  helloTimeoutMs: number;
  /** Notifications kept for endpoints that can't be reached. At the bound the oldest make room, and the gap is logged and counted. */
  maxOutboxNotifications: number;
  /** One notification as JSON, bytes; a larger one is left out, and announced, logged and counted as too large. */
  maxNotificationBytes: number;
  /** Endpoint details fetched from a URL, bytes. */
  maxDetailsBytes: number;
  /** How long fetching details or a certificate may take, ms. */
  validationTimeoutMs: number;
  /** The largest message in either direction, bytes of UTF-8; a larger one of the endpoint's closes the connection with 1009. */
  maxMessageBytes: number;
  /** The largest answer of the upstream, bytes; a larger one is answered 502. */
  maxBodyBytes: number;
  /** How long one call of the upstream may take, ms; then the endpoint is answered 504. */
  upstreamTimeoutMs: number;
  /** Connections to the upstream. */
  maxUpstreamConnections: number;
  /** Commands whose body or answer streams at a time (`sallyport.v1`), each with a connection to the upstream; one more is answered 503. */
  maxStreamedCommands: number;
  /** The same, of one server group, so that one cloud can't take all places. */
  maxStreamedCommandsPerGroup: number;
  /** An answer that its endpoint reads more slowly than 64 KiB in this time is given up, ms, and a body that comes more slowly is answered 408; looked at once in this time. */
  streamStallMs: number;
  /** A request's body that streams to the upstream, bytes; a larger one is answered 413. */
  maxUploadBytes: number;
  /** A body that an administrator sends, bytes; a larger one is refused with 413. */
  maxRequestBytes: number;
  /** Connections to the administration of a lone agent; more wait in the kernel. */
  maxAdministrationConnections: number;
  /** How long one dial may take until the endpoint has accepted, ms; then the next endpoint of the group is tried. */
  dialTimeoutMs: number;
  /** How long a sign of life is waited for after the clock jumped, ms; then the connection is cut. */
  livenessTimeoutMs: number;
  /** The longest silence that a search for idle timers may try, ms. */
  maxIdleLimitMs: number;
  /** How long an endpoint is connected before its idle timer is looked for in the background for the first time, ms. */
  idleFirstMs: number;
  /** Up to so much later, by lot, so that a fleet does not look at the same moment; ms. */
  idleSpreadMs: number;
  /** From one finding to the next look, ms: the way may have changed. */
  idleAgainMs: number;
  /** The same after a look that failed, ms. */
  idleRetryMs: number;
  /** First back-off step, ms; the n-th wait is random between 0 and this times 2^n (full jitter). */
  backoffBaseMs: number;
  /** A connection that lasted this long, ms, resets the back-off; a shorter one does not. */
  stableAfterMs: number;
  /** Path and query of a command, characters; a longer one is answered 403. */
  maxPathCharacters: number;
  /** Commands of all server groups that wait for approval, or were approved and not yet sent again; more are answered 429. */
  maxOpenTickets: number;
  /** The same, of one server group. */
  maxOpenTicketsPerGroup: number;
  /** Tickets that have ended and are kept to be looked at; the oldest go first. */
  maxEndedTickets: number;
  /** The body of a command that can be held, bytes; one with a larger body that needs approval is answered 403. */
  maxTicketBodyBytes: number;
  /** One file of the audit, bytes, and what one write adds to it; a full one is followed by the next. */
  maxAuditFileBytes: number;
  /** All files of the audit, bytes. At the bound the oldest make room if they are old enough; otherwise nothing but reading goes through. */
  maxAuditBytes: number;
  /** What is younger is never removed from the audit, days. */
  auditKeepDays: number;
  /** Entries that wait to be written; then recording fails, and what is only noted is left out. */
  maxAuditPending: number;
  /** Entries that are written and fsynced together. */
  maxAuditBatch: number;
  /** So many entries get a signed checkpoint at the latest. */
  auditCheckpointEntries: number;
  /** Reads and refusals that are noted one by one in a minute; of more only how many they were. */
  maxAuditNotesPerMinute: number;
}

/** Defaults; the reasons stand beside the figures. */
export const defaultAgentLimits: AgentLimits = {
  maxUnacknowledged: 64,
  // It follows CONNECT RESPONSE at once; an endpoint that only selects whatever is offered never says it.
  helloTimeoutMs: 2_000,
  // Some 400 bytes each: about 400 MB on disk at the bound, weeks of a busy primary.
  maxOutboxNotifications: 1_000_000,
  // Hundreds of times what a job or image has; all that are on the way together fit the bound of a connection's buffer.
  maxNotificationBytes: 256 * 1024,
  maxDetailsBytes: 64 * 1024,
  validationTimeoutMs: 15_000,
  // A body of 32 MiB grows when it is escaped in JSON: twofold at most for text that people write.
  maxMessageBytes: 72 * 1024 * 1024,
  maxBodyBytes: 32 * 1024 * 1024,
  upstreamTimeoutMs: 120_000,
  maxUpstreamConnections: 32,
  // Leaves connections for what is short, however slowly the long ones are read.
  maxStreamedCommands: 24,
  maxStreamedCommandsPerGroup: 12,
  // A line of 10 kbit/s keeps up.
  streamStallMs: 60_000,
  // Larger than any package or template that NetBackup's API takes; what flows through is not held.
  maxUploadBytes: 4 * 1024 * 1024 * 1024,
  // Endpoint details with the largest certificate that is taken have some 70 KiB.
  maxRequestBytes: 256 * 1024,
  // One administrator, one monitoring system, and some to spare.
  maxAdministrationConnections: 64,
  // Ten round trips over a poor line; a group fails over in this time when a firewall swallows what is sent to its first endpoint.
  dialTimeoutMs: 10_000,
  livenessTimeoutMs: 5_000,
  // What endpoints grant.
  maxIdleLimitMs: 30 * 60_000,
  // Not while a fleet comes back, and not on a machine that was started for a moment.
  idleFirstMs: 10 * 60_000,
  idleSpreadMs: 3_600_000,
  idleAgainMs: 7 * 24 * 3_600_000,
  idleRetryMs: 6 * 3_600_000,
  backoffBaseMs: 1_000,
  stableAfterMs: 60_000,
  // As long as Tomcat's whole request line.
  maxPathCharacters: 8_192,
  // More than anybody reviews in a day; with bodies of the largest size 25 MiB.
  maxOpenTickets: 100,
  maxOpenTicketsPerGroup: 50,
  maxEndedTickets: 1_000,
  // Several thousand files of a restore; more than this nobody reads.
  maxTicketBodyBytes: 256 * 1024,
  maxAuditFileBytes: 16 * 1024 * 1024,
  // Some 400 bytes an entry: eight million of them. A flood of reads and refusals writes at most 35 MB in a day.
  maxAuditBytes: 4 * 1024 * 1024 * 1024,
  auditKeepDays: 90,
  maxAuditPending: 10_000,
  maxAuditBatch: 500,
  auditCheckpointEntries: 100,
  maxAuditNotesPerMinute: 60,
};

/** What of the limits is the outbox's. */
export function outboxBounds(limits: AgentLimits): OutboxBounds {
  const { maxOutboxNotifications: maxNotifications, maxNotificationBytes } = limits;
  return { maxNotifications, maxNotificationBytes };
}

/** Every bound of reading an upstream for what has changed in it. */
export interface PollingLimits {
  /** Items of one page; NetBackup gives at most 100 of jobs and images. */
  pageSize: number;
  /** From the end of one request to the next, ms; there is never more than one at a time. */
  pauseMs: number;
  /** Pages of one list. A longer one is not read to its end, and the log says so. */
  maxPages: number;
  /** How much later than the time that it bears a change may become visible, ms. */
  overlapMs: number;
  /** How long after the time that it bears an image may become visible, ms: as long as the longest backup takes. */
  imageWindowMs: number;
  /** Images and jobs that one reading looks at by themselves; more wait for the next one. */
  maxLooks: number;
  /** How long a job that is DONE is remembered, ms; one that changes later is told of again. */
  keepDoneJobsMs: number;
  /** Jobs that are remembered; beyond, those that were DONE first are forgotten, and told of again should they change. */
  maxJobs: number;
  /** Images that are remembered. Beyond, images that are not known are not told of; status, metrics and log count them. */
  maxImages: number;
  /** The longest wait after readings that failed, ms. */
  maxBackoffMs: number;
}

/** Defaults; the reasons stand beside the figures. */
export const defaultPollingLimits: PollingLimits = {
  pageSize: 100,
  // Four requests a second at most, which NetBackup's web service does not notice.
  pauseMs: 250,
  maxPages: 20_000,
  overlapMs: 5 * 60_000,
  // NetBackup's own default when a list of images is not filtered.
  imageWindowMs: 24 * 3_600_000,
  maxLooks: 100,
  // NetBackup keeps jobs for 78 hours unless told otherwise.
  keepDoneJobsMs: 7 * 24 * 3_600_000,
  // Some 100 bytes each on disk.
  maxJobs: 200_000,
  // Some 300 bytes each on disk.
  maxImages: 1_000_000,
  maxBackoffMs: 5 * 60_000,
};
