import type { Clock, Move } from "@sallyport/nbwss";
import type { PrimaryConnection } from "./registry.ts";

/** So few may go at the same moment: that is no crowd. */
const fewPrimaries = 20;
/** How long after its moment a primary that was asked to move may still be there, ms: it may have a command to answer. */
const moveGraceMs = 1_000;

/** What moving the primaries away needs. */
export interface DrainOptions {
  connections: readonly PrimaryConnection[];
  /** Resolves when no command runs any more, or nobody waits for them any longer. */
  commandsEnded: Promise<void>;
  clock: Clock;
  /** In [0, 1). */
  random: () => number;
  limits: { drainWindowMs: number; drainPerPrimaryMs: number };
  reason: string;
}

/** How long the window is in which so many primaries go; 0 when they may go at once. */
export function drainWindowMs(count: number, limits: DrainOptions["limits"]): number {
  if (count <= fewPrimaries) return 0;
  return Math.min(limits.drainWindowMs, count * limits.drainPerPrimaryMs);
}

/**
 * A moment for each of `count`, ms from now: the window is cut into as many slots, each gets one by lot and a random moment in it. So they
 * are spread more evenly than by chance alone, and nobody's place depends on its name.
 */
export function drainMoments(count: number, windowMs: number, random: () => number): number[] {
  const slotMs = windowMs / Math.max(1, count);
  const moments = Array.from({ length: count }, (_, slot) => Math.floor((slot + random()) * slotMs));
  // Fisher and Yates' shuffle.
  for (let last = count - 1; last > 0; last -= 1) {
    const other = Math.floor(random() * (last + 1));
    [moments[last], moments[other]] = [moments[other] ?? 0, moments[last] ?? 0];
  }
  return moments;
}

/**
 * Moves primaries away, each at a moment of its own: those that speak `sallyport.v1` are told when to go, the others are closed with 1012
 * then. One whose command runs stays until that is answered. Resolves when all are gone.
 */
export async function moveAway(options: DrainOptions): Promise<void> {
  const { connections, commandsEnded, clock, random, limits, reason } = options;
  const windowMs = drainWindowMs(connections.length, limits);
  const moments = drainMoments(connections.length, windowMs, random);
  const leaving = connections.map(async (connection, index) => {
    const delayMs = moments[index] ?? 0;
    if (windowMs > 0) {
      const isTold = tell(connection, { delayMs, windowMs, reason });
      await ended(connection, isTold ? delayMs + moveGraceMs : delayMs, clock);
    }
    if (connection.inFlight > 0) await Promise.race([commandsEnded, connection.closed]);
    connection.close(1012, reason);
    await connection.closed;
  });
  await Promise.all(leaving);
}

function tell(connection: PrimaryConnection, move: Move): boolean {
  try {
    return connection.move(move);
  } catch {
    // It reads so slowly that nothing more can be sent: it is closed at its moment like one that does not know the message.
    return false;
  }
}

/** Waits for the end of a connection, or for so long. */
async function ended(connection: PrimaryConnection, ms: number, clock: Clock): Promise<void> {
  if (ms <= 0) return;
  const over = Promise.withResolvers<void>();
  const timer = clock.after(ms, () => over.resolve());
  await Promise.race([over.promise, connection.closed]);
  timer.cancel();
}
