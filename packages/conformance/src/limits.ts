/** How patient the endpoint's suite is. All may be set by whoever runs it. */
export interface EndpointTiming {
  /** How long an answer may take, ms; then the check fails. */
  answerMs: number;
  /** How long nothing may come where nothing should, ms. Longer finds slower offenders, and makes good peers wait. */
  quietMs: number;
  /** How long the endpoint may take to end a connection that has to end, ms. */
  closeMs: number;
  /** How long a peer that answers no ping may be kept, ms; only with `slow`. */
  silenceMs: number;
  /** How long an idle connection is watched, ms; only with `slow`. */
  idleMs: number;
  /** How long a command of the cloud application is waited for, ms; its checks are skipped when undefined. */
  commandMs: number | undefined;
  /** The largest message that the endpoint takes, bytes. */
  maxMessageBytes: number;
}

/** Defaults; the reasons stand beside the figures. */
export const defaultEndpointTiming: EndpointTiming = {
  answerMs: 10_000,
  quietMs: 1_000,
  // 10 s for a missing CONNECT and 5 s after valid:false (ours), with room.
  closeMs: 20_000,
  // Three intervals of 30 s, with room.
  silenceMs: 150_000,
  // Above the 60 s after which most proxies cut an idle connection.
  idleMs: 65_000,
  commandMs: undefined,
  // Ours; NBWSS names no limit.
  maxMessageBytes: 8 * 1024 * 1024,
};

/** How patient the service's suite is. */
export interface ServiceTiming {
  /** How long an answer may take, ms. */
  answerMs: number;
  /** How long nothing may come where nothing should, ms. */
  quietMs: number;
  /** How long the primary may take to send CONNECT, and to end a connection that has to end, ms. */
  closeMs: number;
  /** How long the first connection may take, ms: an administrator has to add the endpoint first. */
  dialMs: number;
  /** How long the primary may take to come back, ms. */
  reconnectMs: number;
  /** How long a ping of the primary may take to come, ms. */
  pingMs: number;
  /** How long a primary may keep a connection whose pings stay unanswered, ms; only with `slow`. */
  silenceMs: number;
  /** How long a notification is waited for, ms; its checks are skipped when undefined. */
  notificationMs: number | undefined;
  /** How long an unacknowledged notification may take to come again, ms. */
  resendMs: number;
  /** How late an acknowledgement is that comes after notification.sendTimeout and before the notification is sent again, ms. */
  lateMs: number;
  /** How long an acknowledged notification must not come again, ms. */
  noResendMs: number;
  /** The largest message that the primary takes, bytes. */
  maxMessageBytes: number;
}

/** Defaults; the reasons stand beside the figures. */
export const defaultServiceTiming: ServiceTiming = {
  answerMs: 30_000,
  quietMs: 1_000,
  // As long as our hub waits for CONNECT.
  closeMs: 10_000,
  dialMs: 600_000,
  // Three times connectionInfo.period, which is 60 s.
  reconnectMs: 180_000,
  // Twice keepAlive.scheduledRate, which is 30 s, with room.
  pingMs: 65_000,
  // keepAlive.scheduledRate times (maxPongMissAllowed + 2), with room.
  silenceMs: 180_000,
  notificationMs: undefined,
  // notification.scheduledRate is 5 s, sendTimeout 2 s.
  resendMs: 30_000,
  lateMs: 3_000,
  noResendMs: 10_000,
  maxMessageBytes: 8 * 1024 * 1024,
};

/** Connections that the service's suite keeps while no check looks at them; one more is cut. */
export const maxWaitingConnections = 16;
