/** Every bound of a connection. All may be set by whoever attaches or dials. */
export interface NbwssLimits {
  /** The largest message in either direction, bytes of UTF-8. A larger one closes the connection with 1009. */
  maxMessageBytes: number;
  /**
   * Endpoint: what a socket may send before it has proved itself, bytes on the wire; more is cut off. A CONNECT has some hundred.
   */
  maxUnprovenBytes: number;
  /** How deep arrays and objects may nest in a message; deeper closes with 1007. */
  maxDepth: number;
  /** Endpoint: how long a primary may take to send CONNECT, ms; then 1008. */
  connectTimeoutMs: number;
  /** Endpoint: how long a refused primary may take to close, ms; then the endpoint closes with 1008. */
  refusalTimeoutMs: number;
  /** Service: how long TCP, TLS, WebSocket and CONNECT RESPONSE may take together, ms. */
  dialTimeoutMs: number;
  /** Pause between two pings, ms. */
  pingIntervalMs: number;
  /** Pings that may go unanswered before the connection counts as dead and is cut. */
  maxMissedPongs: number;
  /** Requests that may wait for their response on one connection; one more fails with `busy`. */
  maxInFlight: number;
  /** Requests of the peer that are being worked on; at the bound a service answers 503, an endpoint stops reading. */
  maxServing: number;
  /** Endpoint: sockets that have not proved themselves yet; one more is answered 503. */
  maxUnproven: number;
  /** Bytes that may wait in memory to be sent to a peer that reads slowly; a further request fails with `busy`. */
  maxBufferedBytes: number;
  /** `sallyport.v1`: how much of one body may be underway to a reader that keeps up, bytes; one that does not is sent 64 KiB ahead. */
  maxStreamWindowBytes: number;
  /** `sallyport.v1`, service: a request body that is handed over whole, bytes; a larger one is handed over as a stream. */
  maxWholeBodyBytes: number;
  /** Endpoint: probes of `sallyport.probe.v1` at a time; one more is told to come again later. */
  maxProbes: number;
  /** Endpoint: the same, of one primary. */
  maxProbesPerIdentity: number;
  /** Endpoint: the longest silence that a probe may ask for, ms; a longer one closes it with 1008. */
  maxProbeSilenceMs: number;
  /** Endpoint: how often one probe may ask; then it is closed with 1013. */
  maxProbeSilences: number;
  /**
   * `sallyport.v1`: a body of which the peer takes less than 64 KiB in this time while more waits ends its stream; so does a request's body of which
   * less came, ms. It is looked at once in this time, so that it takes twice as long at most.
   */
  streamStallMs: number;
  /** Service: bodies of requests that are held for commands which are not answered yet, bytes; a command that would need more is answered 503. */
  maxHeldBodyBytes: number;
  /** How long a close handshake may take before the socket is cut, ms. */
  closeTimeoutMs: number;
}

/** Defaults; the reasons stand beside the figures. */
export const defaultLimits: NbwssLimits = {
  // 8 MiB: the largest answer that a REST page of NetBackup gives is well below it (NBWSS, transport).
  maxMessageBytes: 8 * 1024 * 1024,
  // A token may have 4 KiB; anything more is no CONNECT.
  maxUnprovenBytes: 16 * 1024,
  maxDepth: 64,
  connectTimeoutMs: 10_000,
  refusalTimeoutMs: 5_000,
  dialTimeoutMs: 30_000,
  // Below the 30 s and 60 s idle timers of most proxies.
  pingIntervalMs: 20_000,
  maxMissedPongs: 2,
  maxInFlight: 1_024,
  maxServing: 256,
  maxUnproven: 1_000,
  maxBufferedBytes: 32 * 1024 * 1024,
  // 100 Mbit/s at 80 ms from end to end.
  maxStreamWindowBytes: 1024 * 1024,
  // NetBackup's own calls have some kilobytes; rules that look into bodies see them all.
  maxWholeBodyBytes: 1024 * 1024,
  // A probe costs what an idle connection costs, and an agent makes one rarely.
  maxProbes: 1_000,
  // One in the background, and one that an administrator asks for.
  maxProbesPerIdentity: 2,
  // No middlebox in use waits longer than this before it cuts, but for those that wait for hours.
  maxProbeSilenceMs: 30 * 60_000,
  // A search takes some twenty.
  maxProbeSilences: 64,
  // A line of 10 kbit/s keeps up; a reader that pauses for longer has most often gone.
  streamStallMs: 60_000,
  // Two bodies of the largest message that a hub sends; a thousand of NetBackup's usual ones.
  maxHeldBodyBytes: 64 * 1024 * 1024,
  closeTimeoutMs: 5_000,
};
