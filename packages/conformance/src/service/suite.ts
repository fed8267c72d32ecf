import { systemClock, type Clock } from "@sallyport/nbwss";
import type { Check, CheckDescription } from "../check.ts";
import type { ServiceTiming } from "../limits.ts";
import { makeReport, type Report } from "../report.ts";
import { runChecks, type Progress } from "../runner.ts";
import { commandChecks } from "./commands.ts";
import { connectChecks, envelopeChecks, verdictChecks } from "./connect.ts";
import { badMessageChecks, reconnectChecks, wholeRunChecks } from "./endings.ts";
import { keepAliveChecks } from "./keep-alive.ts";
import type { PrimaryListener } from "./listener.ts";
import { notificationChecks } from "./notifications.ts";
import { PrimaryPeer } from "./peer.ts";

/** Every check of a primary, in the order in which they run: those that end connections late, since a primary may take a minute to come back. */
export const serviceChecks: readonly Check<PrimaryPeer>[] = [
  ...connectChecks,
  ...commandChecks,
  ...envelopeChecks,
  ...notificationChecks,
  ...keepAliveChecks,
  ...reconnectChecks,
  ...badMessageChecks,
  ...verdictChecks,
  ...wholeRunChecks,
];

/** How a primary is tested. */
export interface ServiceTest {
  /** Where the primary will dial; it stays the caller's to close. */
  listener: PrimaryListener;
  timing?: Partial<ServiceTiming> | undefined;
  /** Runs only the checks whose id holds this text, or matches it as a pattern with `*`. */
  only?: string | undefined;
  /** Runs those too that wait for minutes. */
  slow?: boolean | undefined;
  progress?: Progress | undefined;
  clock?: Clock | undefined;
}

/**
 * Plays a strict cloud application for a primary that dials the listener, and reports which rules it keeps (NBWSS 1.0). Never rejects
 * for what the primary does: that is in the report.
 */
export async function testService(options: ServiceTest): Promise<Report> {
  const { listener, timing, only, slow = false, progress, clock = systemClock } = options;
  const waiting = (forWhat: string) => progress?.waiting?.(forWhat);
  const peer = new PrimaryPeer({ listener, timing, clock, waiting });
  const skipReason = ({ needs }: CheckDescription) => {
    if (needs === "slow" && !slow) return "it waits for minutes; add --slow";
    if (needs === "notification" && peer.timing.notificationMs === undefined) {
      return "it needs a notification of the primary; add --notification-timeout";
    }
    return undefined;
  };
  const results = await runChecks(serviceChecks, peer, { clock, only, skipReason, progress });
  return makeReport("service", listener.details.url, results);
}
