import { pino, type Logger } from "pino";

/** What a long-running command does: start, then run until it is told to stop. */
export interface ServerProcess {
  /** Stops in good order. */
  close(): Promise<void>;
}

/** What waits while whoever reads the log is slow, bytes; lines beyond are dropped and counted, and the server goes on. */
const maxLogBufferBytes = 16 * 1024 * 1024;
/** Lines are written together, so many bytes at a time or so often, ms: a write for each costs more than the line. */
const gathered = { minLength: 12_288, periodicFlush: 100 };

/**
 * No code of ours logs a secret. Should one do so by mistake, these members are left out. Wildcards would be wider, and cost more than the
 * rest of a line.
 */
const secretMembers = [
  "token",
  "password",
  "secret",
  "apiKey",
  "adminKey",
  "keyPem",
  "authorization",
  "cookie",
  "credential",
  "endpoint.token",
  "headers.authorization",
  "headers.cookie",
  'headers["x-netbackup-authorization"]',
];

/**
 * The log of a server: JSON lines on standard error, since standard output is for what a person asked for. It is written beside the
 * server's work: a slow reader does not hold it up, and a kill may take the last lines.
 */
export function serverLog(name: string, level: string): Logger {
  const destination = pino.destination({ dest: 2, sync: false, maxLength: maxLogBufferBytes, ...gathered });
  const timestamp = pino.stdTimeFunctions.isoTime;
  const logger = pino({ name, level, timestamp, base: { name }, redact: secretMembers }, destination);
  let dropped = 0;
  destination.on("drop", () => {
    dropped += 1;
  });
  destination.on("drain", () => {
    if (dropped === 0) return;
    const lines = dropped;
    dropped = 0;
    logger.warn({ lines }, "log.dropped");
  });
  return logger;
}

/** A terminal, npm and the start script may each pass the same Ctrl-C on: what comes this soon after is the same one. */
const sameSignalMs = 1_000;

/** Resolves with the first SIGTERM or SIGINT; another one later ends the process at once. */
export function stopSignal(): Promise<string> {
  return new Promise((resolve) => {
    let firstAtMs: number | undefined;
    const signalled = (signal: string) => {
      const nowMs = performance.now();
      firstAtMs ??= nowMs;
      resolve(signal);
      if (nowMs - firstAtMs > sameSignalMs) process.exit(130);
    };
    process.on("SIGTERM", signalled);
    process.on("SIGINT", signalled);
  });
}

/**
 * Says that the server is there, waits for SIGTERM, SIGINT or, where a parent holds an IPC channel, for the parent's end; then closes.
 * @param announce called when signals are heard: whoever reads it may send one at once
 * @returns resolves when the server is closed
 */
export async function runUntilStopped(
  server: ServerProcess,
  log: Logger,
  announce: () => void,
): Promise<void> {
  const signalled = stopSignal();
  const orphaned = new Promise<string>((resolve) => {
    if (process.connected) process.once("disconnect", () => resolve("the parent process has ended"));
  });
  announce();
  const reason = await Promise.race([signalled, orphaned]);
  log.info({ reason }, "server.stopping");
  await server.close();
  log.info("server.stopped");
  if (process.connected) process.disconnect();
}
