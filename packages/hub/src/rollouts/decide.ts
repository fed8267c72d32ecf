import type { RolloutWindow } from "../api/rollouts-schemas.ts";
import type { rolloutStates, rolloutTargetStates } from "./rollout-states.ts";
import { windowAt } from "./windows.ts";

/** Where a rollout stands, as it is stored. */
export type RolloutState = (typeof rolloutStates)[number];
/** Where one target of it stands. */
export type TargetState = (typeof rolloutTargetStates)[number];
/** Targets by state. */
export type TargetCounts = Readonly<Record<TargetState, number>>;

/** How a rollout is to go. */
export interface RolloutRules {
  /** Starts per minute. */
  ratePerMinute: number;
  /** Targets that are started and have not ended, at most. */
  maxRunning: number;
  windows: readonly RolloutWindow[];
  /** Null when it never aborts by itself. */
  abortWhen: { failedPercent: number; afterEnded: number } | null;
}

/** What of a rollout decides what is to be done with it. */
export interface RolloutStanding {
  state: RolloutState;
  rules: RolloutRules;
  /** When the rate allows the next start, epoch ms, with fractions; null before the first. */
  nextStartAtMs: number | null;
}

/** What is to be done with a rollout. */
export type Decision =
  | {
      act: "start";
      count: number;
      /** When the rate allows the next one, the `index`-th of these being started, epoch ms. */
      nextStartAtMs: (started: number) => number;
      /** When the window closes, after which nothing may be sent, epoch ms; null for never. */
      closesAtMs: number | null;
    }
  | { act: "abort"; reason: string }
  | { act: "finish" }
  /** Until a moment (epoch ms), or, when that is null, until a target ends or somebody resumes it. */
  | { act: "wait"; untilMs: number | null; why: "window" | "rate" | "running" | "paused" | "over" };

/** What was missed while nobody looked is caught up to this extent, ms: so much of the rate may start at once. */
const maxCatchUpMs = 1_000;

/** Decides what is to be done with a rollout now. */
export function decide(rollout: RolloutStanding, counts: TargetCounts, nowMs: number): Decision {
  const { state, rules } = rollout;
  if (state === "aborted" || state === "finished") return { act: "wait", untilMs: null, why: "over" };
  if (state === "paused" && counts.waiting > 0) return { act: "wait", untilMs: null, why: "paused" };
  const reason = reasonToAbort(rules, counts);
  if (reason !== undefined) return { act: "abort", reason };
  if (counts.waiting === 0) {
    return counts.started === 0 ? { act: "finish" } : { act: "wait", untilMs: null, why: "running" };
  }
  const window = windowAt(rules.windows, nowMs);
  if (!window.isOpen) return { act: "wait", untilMs: window.opensAtMs, why: "window" };
  const room = rules.maxRunning - counts.started;
  if (room <= 0) return { act: "wait", untilMs: null, why: "running" };
  const pauseMs = 60_000 / rules.ratePerMinute;
  // A clock that was set back must not stop it for as long.
  const planned = Math.min(rollout.nextStartAtMs ?? nowMs, nowMs + pauseMs);
  const dueMs = Math.max(planned, nowMs - maxCatchUpMs);
  if (dueMs > nowMs) return { act: "wait", untilMs: dueMs, why: "rate" };
  const allowed = Math.floor((nowMs - dueMs) / pauseMs) + 1;
  return {
    act: "start",
    count: Math.min(allowed, room, counts.waiting),
    nextStartAtMs: (started) => dueMs + started * pauseMs,
    closesAtMs: window.closesAtMs,
  };
}

/** Those that count as failed; what was taken back by somebody, or waits for approval on premises, does not. */
const failures = ["refused", "failed", "expired", "unknown"] as const satisfies readonly TargetState[];
const otherEnds = ["done", "cancelled", "held"] as const satisfies readonly TargetState[];

function reasonToAbort({ abortWhen }: RolloutRules, counts: TargetCounts): string | undefined {
  if (abortWhen === null) return undefined;
  const failed = sum(counts, failures);
  const ended = failed + sum(counts, otherEnds);
  const { failedPercent, afterEnded } = abortWhen;
  if (ended < afterEnded || failed * 100 < failedPercent * ended) return undefined;
  return `${failed} of ${ended} that ended have failed, which is ${failedPercent} % or more`;
}

function sum(counts: TargetCounts, states: readonly TargetState[]): number {
  return states.reduce((total, state) => total + counts[state], 0);
}
