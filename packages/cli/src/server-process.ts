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
    pino.destination({ dest: 2, sync: true }),
  );
}

/**
 * Waits for SIGTERM, SIGINT or, where a parent holds an IPC channel, for the parent's end; then closes. A second signal
 * ends the process at once.
 * @returns resolves when the server is closed
 */
export async function runUntilStopped(server: ServerProcess, log: Logger): Promise<void> {
  const reason = await new Promise<string>((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => resolve(signal));
    if (process.connected) process.once("disconnect", () => resolve("the parent process has ended"));
  });
  log.info({ reason }, "server.stopping");
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => process.exit(130));
  await server.close();
  log.info("server.stopped");
  if (process.connected) process.disconnect();
}
