/** Bounds of what the checks do and rules of what they accept. */
export const checkLimits = {
  /** How long any one step over the network may take, ms; beyond it the check fails. */
  stepTimeoutMs: 10_000,
  /** Bytes of an answer that are read; the rest is not. */
  maxAnswerBytes: 1024 * 1024,
  /** How often fsync is tried, and for how long at most, ms: enough for a median, little for the disk. */
  maxSyncs: 64,
  maxSyncMs: 2_000,
  /** Fewer fsyncs a second than this are slow for a hub: each group of notifications waits for one. */
  slowSyncsPerS: 50,
  /** Below so much free space a hub soon can't store anything, bytes. */
  minFreeBytes: 256 * 1024 * 1024,
  /** A certificate that ends sooner is a warning, days. */
  minCertificateDays: 14,
  /** Clocks that differ by more are a warning, or a failure, seconds; the Date header itself is good to one second. */
  clockWarnS: 5,
  clockFailS: 60,
  /** Descriptors that a hub needs beside one for each primary: databases, API callers, webhooks, sockets that have not proved themselves. */
  spareDescriptors: 1_024,
  /** The oldest Node that runs the commands. */
  minNodeMajor: 24,
  /** Disconnected primaries whose last close reason is looked at. */
  maxExamined: 500,
};
