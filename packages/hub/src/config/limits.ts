/** Every bound of the hub. All may be set through `createHub({limits})`; the reasons stand beside the defaults. */
export interface HubLimits {
  /**
   * The largest message on a WebSocket, bytes of UTF-8. A body travels inside one message, escaped as JSON: one that grows beyond
   * this by its escapes is answered 413, or 502 when it is an answer.
   */
  maxMessageBytes: number;
  /** The largest body of a command, bytes; a larger one is answered 413. */
  maxBodyBytes: number;
  /** How often primaries that speak `sallyport.v1` say how they are, ms, 100 to an hour. */
  primaryHealthIntervalMs: number;
  /** The largest body in either direction that streams through between a caller and a primary that speaks `sallyport.v1`, bytes; 413, or cut off. */
  maxStreamedBodyBytes: number;
  /** How long a caller may move nothing of a body that streams, ms; then its connection is cut. */
  maxStreamStallMs: number;
  /** How long a primary may take to send CONNECT, ms; then it is closed with 1008. */
  connectTimeoutMs: number;
  /** How long a refused primary may take to close, ms; then it is closed with 1008. */
  refusalTimeoutMs: number;
  /** Pause between two pings to a primary, ms. */
  pingIntervalMs: number;
  /** Pings that a primary may leave unanswered; then it is cut. */
  maxMissedPongs: number;
  /** Probes of primaries at a time, that find out how long a connection may be silent; one more is told to come again later. */
  maxProbes: number;
  /** The same, of one primary. */
  maxProbesPerPrimary: number;
  /** The longest silence that a probe may ask for, ms; a longer one closes it with 1008. */
  maxProbeSilenceMs: number;
  /** How long a primary may take to answer a ping before no command is sent to it, ms; it may still come back until it is cut. */
  maxPongDelayMs: number;
  /** Tokens that one primary may have at a time, for all its endpoints; one more is answered 409. */
  maxTokensPerPrimary: number;
  /** Tokens of which it is remembered from where they are used; the one that was used longest ago is forgotten first. */
  maxWatchedTokens: number;
  /** Within this time a stopping hub moves its primaries, ms; with few of them it takes less. */
  drainWindowMs: number;
  /** The part of that window for each primary, ms: so far apart they go, and come back, until the window is full. */
  drainPerPrimaryMs: number;
  /** Request bodies that the gateway holds for all callers together, bytes; one more is answered 429. */
  maxHeldBodyBytes: number;
  /** Commands that one primary works on at a time; more wait for their turn. */
  maxCommandsPerPrimary: number;
  /** Commands that wait for their turn at one primary; one more is answered 429. The callers take turns, whoever has how many. */
  maxQueuedCommandsPerPrimary: number;
  /** How long a command waits for its turn, ms; then it is answered 429, unsent. */
  maxQueueWaitMs: number;
  /** Stored commands (`Prefer: respond-async`) that may wait for one primary; one more is answered 429. */
  maxStoredCommandsPerPrimary: number;
  /** Bytes that all stored commands together may hold, sealed; one more is answered 429. */
  maxStoredCommandBytes: number;
  /** Deadline of a stored command whose caller names none, ms. */
  defaultStoredCommandTimeoutMs: number;
  /** The longest deadline of a stored command, ms; a longer one is answered 400. */
  maxStoredCommandTimeoutMs: number;
  /** How long a stored command and its answer are kept after its end, ms. */
  keepCommandAnswersMs: number;
  /** Bytes that the answers to stored commands may hold, sealed; beyond it the oldest answers are forgotten, the commands stay listed. */
  maxStoredAnswerBytes: number;
  /** How often stored commands that expired are looked for, ms. */
  storedCommandSweepMs: number;
  /** How long an Idempotency-Key is remembered, ms. */
  idempotencyLifetimeMs: number;
  /** Idempotency keys that are remembered; at the bound the oldest is forgotten. */
  maxIdempotencyKeys: number;
  /** Deadline of a command whose caller names none, ms. */
  defaultCommandTimeoutMs: number;
  /** The longest deadline that a caller may name in `Sallyport-Timeout`, ms; a longer one is answered 400. */
  maxCommandTimeoutMs: number;
  /** How long a caller may take nothing of an answer that waits for it, ms; then its connection is cut. */
  maxReaderStallMs: number;
  /** Header lines that an answer may have; more is a bad answer (502). */
  maxAnswerHeaders: number;
  /** Body of a request to the hub's own API, bytes; a larger one is answered 413. */
  maxApiBodyBytes: number;
  /** Events that may wait for their commit; one more append is refused with `log_busy`. */
  maxPendingEvents: number;
  /** Events of one page of the feed when the caller names no number. */
  defaultPageEvents: number;
  /** Events of one page of the feed at most. */
  maxPageEvents: number;
  /** Readers that follow the feed at a time; one more is answered 429. */
  maxFeedStreams: number;
  /** Such readers of one API key or user; one more is answered 429. */
  maxFeedStreamsPerCaller: number;
  /** What may wait for one such reader, bytes; above it the reader is cut off, and goes on where it was. */
  maxStreamBufferBytes: number;
  /** Pause between two signs of life of such a stream, ms; with each it is looked whether its key is still good. */
  streamBeatMs: number;
  /** How long a reader that was cut off may take for what is still on its way to it, ms. */
  streamCutGraceMs: number;
  /** How long notifications, connections' and commands' events are kept, ms; then they are deleted, and a reader that was slower is told. */
  retainNotificationsMs: number;
  /** How long the audit is kept, ms; then it is deleted. */
  retainAuditMs: number;
  /** Bytes of the log; above it the oldest events are deleted before their time, notifications first and the audit last. */
  maxLogBytes: number;
  /** Pause between two looks at what has to be deleted, ms. */
  trimIntervalMs: number;
  /** Events that are deleted in one step; whatever else needs the log waits for a step. */
  trimBatchEvents: number;
  /** How long a resend under a new id is recognised by its content, ms. */
  resendWindowMs: number;
  /** Items that are remembered for that; with more in the window the oldest half is forgotten, and its resends are stored again. */
  maxRecentItems: number;
  /** How long a details URL may be used, ms. */
  detailsLifetimeMs: number;
  /** How long a console session lasts, ms, however much it is used. */
  sessionLifetimeMs: number;
  /** How long a console session lasts without a request, ms. */
  sessionIdleMs: number;
  /** Console sessions at a time; a new one ends the oldest. */
  maxSessions: number;
  /** Console sessions of one user or key at a time; a new one ends the oldest of them. */
  maxSessionsPerOwner: number;
  /** API keys; one more is refused. */
  maxApiKeys: number;
  /** Users; one more is refused. */
  maxUsers: number;
  /** How often the use of one API key is written down at most, ms. */
  apiKeyUseIntervalMs: number;
  /** Passwords that are hashed at a time; each takes a core and 32 MiB for about 0.1 s. */
  maxPasswordChecks: number;
  /** Passwords that wait to be hashed; one more is answered 429. */
  maxWaitingPasswordChecks: number;
  /** Failed sign-ins that one login has at once, from wherever. */
  maxFailuresPerLogin: number;
  /** How fast those wear off, ms for each. */
  loginFailureRefillMs: number;
  /** How long one request to the OpenID provider may take, ms; then the sign-in fails. */
  oidcRequestTimeoutMs: number;
  /** How long what the OpenID provider says of itself is used before it is asked again, ms. */
  oidcDiscoveryMs: number;
  /** Failed tries (tokens, keys or details URLs, each counted for itself) that one address has at once. */
  maxFailuresPerAddress: number;
  /** How fast such tries come back, ms for each. */
  failureRefillMs: number;
  /** Addresses that are remembered; the one that failed longest ago is forgotten first. */
  maxThrottledAddresses: number;
  /** How long a stopping hub waits for commands that run, ms; then they fail as lost. */
  drainTimeoutMs: number;
  /** Pause before a view that could not be written is tried again, ms. */
  viewRetryMs: number;
  /** How long notifications may wait to be folded into the fleet's views together, ms; a request to the API does not wait for it. */
  viewGatherMs: number;
  /** How long a request to the API waits until the fleet's views show what was committed before it, ms; then it is answered with what they show. */
  viewWaitMs: number;
  /** Rows that one page of a list of jobs, images or backups looks at; then it ends early, with a cursor to go on. */
  maxListRows: number;
  /** Alert rules; one more is refused with `limit_reached`. */
  maxAlertRules: number;
  /** Alerts that may be open; while there are so many no other one is raised, and the log says how many should be. */
  maxOpenAlerts: number;
  /** Pause between two looks at what should have happened, ms. */
  alertIntervalMs: number;
  /** How long after a change that may raise or resolve an alert the next look comes, ms; what comes meanwhile is looked at with it. */
  alertSettleMs: number;
  /** How long a hub that has started watches before it takes backups for missing, ms: primaries first send what they have kept. */
  alertGraceMs: number;
  /** Rollouts that have not ended; one more is refused with `limit_reached`. */
  maxRollouts: number;
  /** Primaries that one rollout may reach; more are refused with `limit_reached`. */
  maxRolloutTargets: number;
  /** Rollouts that have ended and are kept; beyond it the oldest are forgotten, but for those with a command under way. */
  keptRollouts: number;
  /** How long ends of a rollout's commands are gathered before the next ones start, ms. */
  rolloutGatherMs: number;
  /** Pause of rollouts after the hub itself failed (its disk), or when there is no room for one more stored command, ms. */
  rolloutRetryMs: number;
  /** The longest pause between two looks at rollouts that wait for a moment, ms: clocks may be set. */
  maxRolloutPauseMs: number;
  /** Webhooks; one more is refused with `limit_reached`. */
  maxWebhooks: number;
  /**
   * Deliveries that may wait for one webhook. What comes above that stays in the log, and is read when half of them are done; redeliveries
   * and replays are refused with `limit_reached`.
   */
  maxPendingDeliveries: number;
  /** Deliveries, delivered and failed ones each, that are kept of one webhook (and up to 50 more); then the oldest are forgotten. */
  keptDeliveries: number;
  /** Attempts that one webhook has under way at a time; one that is slow or fails has one. */
  maxAttemptsPerWebhook: number;
  /** Attempts that all webhooks have under way; the others take turns. Webhooks that are slow or fail have half of them at most. */
  maxWebhookAttempts: number;
  /** How long one attempt may take, from resolving the name to the end of the answer, ms; then it has failed. */
  webhookTimeoutMs: number;
  /** Bytes of a receiver's answer that are kept and shown; the rest is not read. */
  maxWebhookAnswerBytes: number;
  /** How long a receiver may take nothing at all before its webhook is disabled, ms; time without attempts does not count. */
  webhookFailingMs: number;
  /** Pause of a webhook after the hub itself failed (its disk, a secret that can't be opened), ms. */
  webhookRetryMs: number;
  /** How long events are gathered before they are queued for webhooks together, ms. */
  webhookGatherMs: number;
  /** Events that one replay may queue; a range with more is refused with `limit_reached`. */
  maxReplayEvents: number;
  /** Header of an HTTP request, bytes; larger is answered 431. */
  maxHeaderBytes: number;
  /** How long a TLS handshake, and the header of a request, may take to arrive, ms; then it is cut, or 408. */
  headersTimeoutMs: number;
  /** How long a whole request may take to arrive, ms; then 408. */
  requestTimeoutMs: number;
  /** How long an idle HTTP connection is kept, ms. */
  keepAliveTimeoutMs: number;
  /** How often the server's certificate is looked at, ms: renewed when it is the hub's own, read again when it is in files. */
  tlsCheckMs: number;
  /** Pause after a change of a certificate's file before both are read, ms. */
  tlsSettleMs: number;
  /** TCP connections, those of primaries included; one more is dropped. */
  maxTcpConnections: number;
}

/** Defaults; the reasons stand beside the figures. */
export const defaultHubLimits: HubLimits = {
  // Twice a body of 32 MiB and some: text that people write does not grow more by its escapes.
  maxMessageBytes: 72 * 1024 * 1024,
  maxBodyBytes: 32 * 1024 * 1024,
  // For people who look; what matters at once is told by events.
  primaryHealthIntervalMs: 30_000,
  // No figure of memory: what streams through takes a window of 1 MiB, whatever its length.
  maxStreamedBodyBytes: 1024 * 1024 * 1024 * 1024,
  // As long as an agent waits for its server.
  maxStreamStallMs: 120_000,
  // These four are NBWSS's own defaults, with their reasons there.
  connectTimeoutMs: 10_000,
  refusalTimeoutMs: 5_000,
  pingIntervalMs: 20_000,
  maxMissedPongs: 2,
  // A probe costs what an idle connection costs. An agent makes one a week, of some minutes.
  maxProbes: 1_000,
  maxProbesPerPrimary: 2,
  maxProbeSilenceMs: 1_800_000,
  // A primary under load answers late; one that takes longer would not answer a command either.
  maxPongDelayMs: 10_000,
  // Several endpoints, each with a token and its successor.
  maxTokensPerPrimary: 32,
  // As many as there are connections.
  maxWatchedTokens: 20_000,
  drainWindowMs: 5_000,
  // A hundred each second, until the window is full.
  drainPerPrimaryMs: 10,
  maxHeldBodyBytes: 256 * 1024 * 1024,
  // More than a backup server's web service works on at a time.
  maxCommandsPerPrimary: 256,
  maxQueuedCommandsPerPrimary: 1_024,
  // Shorter than the common 15 s and 30 s of HTTP clients, so that they hear why.
  maxQueueWaitMs: 10_000,
  maxStoredCommandsPerPrimary: 1_000,
  maxStoredCommandBytes: 1024 * 1024 * 1024,
  defaultStoredCommandTimeoutMs: 24 * 3_600_000,
  maxStoredCommandTimeoutMs: 7 * 24 * 3_600_000,
  keepCommandAnswersMs: 3_600_000,
  maxStoredAnswerBytes: 1024 * 1024 * 1024,
  storedCommandSweepMs: 1_000,
  idempotencyLifetimeMs: 24 * 3_600_000,
  maxIdempotencyKeys: 100_000,
  defaultCommandTimeoutMs: 60_000,
  maxCommandTimeoutMs: 600_000,
  maxReaderStallMs: 30_000,
  maxAnswerHeaders: 100,
  maxApiBodyBytes: 64 * 1024,
  // Some seconds of what SQLite commits, far more than one turn of the event loop brings.
  maxPendingEvents: 100_000,
  defaultPageEvents: 100,
  maxPageEvents: 1_000,
  maxFeedStreams: 500,
  // A program that leaks its streams is stopped before it takes everybody's.
  maxFeedStreamsPerCaller: 50,
  // A thousand events or so.
  maxStreamBufferBytes: 1024 * 1024,
  // Below the 30 s after which proxies begin to close what is silent.
  streamBeatMs: 15_000,
  streamCutGraceMs: 10_000,
  retainNotificationsMs: 90 * 86_400_000,
  // A year and what it takes to look back at it.
  retainAuditMs: 400 * 86_400_000,
  maxLogBytes: 10 * 1024 * 1024 * 1024,
  trimIntervalMs: 3_600_000,
  // Some milliseconds on a slow disk.
  trimBatchEvents: 500,
  // Twice the longest pause of a primary that reconnects (NBWSS, connection rules), with room.
  resendWindowMs: 600_000,
  // Some 30 MB; more than 300 each second for the whole window.
  maxRecentItems: 200_000,
  detailsLifetimeMs: 3_600_000,
  sessionLifetimeMs: 12 * 3_600_000,
  // A page that is left open goes on asking; a browser that is closed does not.
  sessionIdleMs: 3_600_000,
  maxSessions: 1_000,
  // A person's browsers, so that nobody pushes all others out.
  maxSessionsPerOwner: 20,
  // They are looked through when one is made, and counted for the last administrator.
  maxApiKeys: 10_000,
  maxUsers: 10_000,
  // An event a minute for each key in use is nothing beside its requests.
  apiKeyUseIntervalMs: 60_000,
  // Half of the threads that Node has for it: the others serve files and names.
  maxPasswordChecks: 2,
  maxWaitingPasswordChecks: 50,
  maxFailuresPerLogin: 10,
  // Three thousand guesses a day: nothing against twelve characters, and no lock-out for the user.
  loginFailureRefillMs: 30_000,
  oidcRequestTimeoutMs: 10_000,
  oidcDiscoveryMs: 3_600_000,
  maxFailuresPerAddress: 20,
  // Siblings behind one NAT are slowed down by a wrong token, not locked out.
  failureRefillMs: 3_000,
  maxThrottledAddresses: 10_000,
  drainTimeoutMs: 10_000,
  viewRetryMs: 1_000,
  // Nobody sees it, and a busy hub folds hundreds at a time.
  viewGatherMs: 50,
  viewWaitMs: 2_000,
  // Some tens of milliseconds, in which nobody else is served.
  maxListRows: 20_000,
  maxAlertRules: 200,
  // More than anybody can look at; what raises so many is one cause.
  maxOpenAlerts: 10_000,
  // A quarter of the shortest time that the rules made at the first start wait for.
  alertIntervalMs: 15_000,
  alertSettleMs: 2_000,
  // Twice the longest pause of a primary that reconnects (NBWSS, connection rules), with room.
  alertGraceMs: 600_000,
  // More at a time than anybody follows.
  maxRollouts: 100,
  // All primaries that a hub has connections for.
  maxRolloutTargets: 10_000,
  // Some 200 MB on the disk when each has 10,000 targets.
  keptRollouts: 100,
  // Nobody notices, and the fastest rate, 1,000 per minute, starts two at a time.
  rolloutGatherMs: 100,
  rolloutRetryMs: 1_000,
  maxRolloutPauseMs: 60_000,
  maxWebhooks: 1_000,
  // Some 3 MB on the disk.
  maxPendingDeliveries: 10_000,
  keptDeliveries: 500,
  maxAttemptsPerWebhook: 4,
  // Each holds a socket and an event.
  maxWebhookAttempts: 100,
  // What Standard Webhooks advises, 15 to 30 s, at its lower end.
  webhookTimeoutMs: 15_000,
  maxWebhookAnswerBytes: 1_024,
  // Before the first delivery would be given up, so that a receiver which is away loses nothing.
  webhookFailingMs: 72 * 3_600_000,
  webhookRetryMs: 5_000,
  // Nobody notices, and a busy hub queues hundreds at a time.
  webhookGatherMs: 20,
  maxReplayEvents: 5_000,
  // A JWT of NetBackup has some kilobytes; Node's own 16 KiB is near it.
  maxHeaderBytes: 32 * 1024,
  headersTimeoutMs: 20_000,
  // 8 MiB at 1 Mbit/s.
  requestTimeoutMs: 120_000,
  // Above the 60 s of most load balancers, so that they close first.
  keepAliveTimeoutMs: 65_000,
  tlsCheckMs: 60_000,
  // What replaces certificates writes the two files one after the other.
  tlsSettleMs: 500,
  maxTcpConnections: 20_000,
};
