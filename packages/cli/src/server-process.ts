import { pino, type Logger } from "pino";

/** What a long-running command does: start, then run until it is told to stop. */
export interface ServerProcess {
  /** Stops in good order. */
  close(): Promise<void>;
}

/** The log of a server: JSON lines on standard error, since standard output is for what a person asked for. */
export function serverLog(name: string, level: string): Logger {
  return pino(
    { name, level, timestamp: pino.stdTimeFunctions.isoTime, base: { name } },
    // Not synchronous: a line for each command must not make the commands wait for whoever reads the log.
    pino.destination({ dest: 2, sync: false, maxLength: maxWaitingLogBytes }),
  );
}

/** Log that waits for a slow reader, bytes; what comes beyond it is dropped. */
const maxWaitingLogBytes = 16 * 1024 * 1024;

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
 * Waits for SIGTERM, SIGINT or, where a parent holds an IPC channel, for the parent's end; then closes.
 * @returns resolves when the server is closed
 */
export async function runUntilStopped(server: ServerProcess, log: Logger): Promise<void> {
  const orphaned = new Promise<string>((resolve) => {
    if (process.connected) process.once("disconnect", () => resolve("the parent process has ended"));
  });
  const reason = await Promise.race([stopSignal(), orphaned]);
  log.info({ reason }, "server.stopping");
  await server.close();
  log.info("server.stopped");
  if (process.connected) process.disconnect();
}
