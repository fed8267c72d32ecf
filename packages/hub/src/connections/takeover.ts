import type { sharingSigns } from "./connection-events.ts";

/** Why it is believed that two use one token. */
export type SharingSign = (typeof sharingSigns)[number];

/** What is remembered of a token: from where it was used lately. */
export interface TokenHistory {
  address: string;
  /** The address before. */
  formerAddress: string | undefined;
  /** When the address changed, the newest last; epoch ms. */
  changes: readonly number[];
  /** When a connection that was alive was taken over, the newest last; epoch ms. */
  takeovers: readonly number[];
  /** When the sharing was last written down, epoch ms. */
  notedAtMs: number | undefined;
}

/** A connection that has just proved itself. */
export interface Arrival {
  address: string;
  atMs: number;
  /** The connection that has the same token and would be taken over. */
  older: { address: string; lastSeenAtMs: number } | undefined;
}

/** What the rules are set to. */
export interface TakeoverRules {
  /** An older connection that gave a sign of life within this time is alive. */
  aliveWithinMs: number;
  /** For so long changes of the address count. */
  flipWindowMs: number;
  /** So many changes within the window are too many for a primary that moves. */
  maxFlips: number;
  /** For so long takeovers of a live connection count. */
  holdWindowMs: number;
  /** After so many the older connection stays for as long as it is alive. */
  maxTakeovers: number;
  /** The same sharing is written down again after this time. */
  noteAgainMs: number;
}

/** The figures that the rules have in a hub, but for the first. */
export const takeoverRules: Omit<TakeoverRules, "aliveWithinMs"> = {
  flipWindowMs: 600_000,
  // There and back, and there again: A, B, A, B.
  maxFlips: 3,
  holdWindowMs: 60_000,
  maxTakeovers: 4,
  noteAgainMs: 3_600_000,
};

/** What becomes of an arrival. */
export interface TakeoverVerdict {
  history: TokenHistory;
  /** `take`: it is used from now on, an older one is closed. `hold`: it is turned away, and the older one stays. */
  decision: "take" | "hold";
  /** Set when the token seems to be used by two. */
  sign: SharingSign | undefined;
  /** Whether that is to be written down now. */
  isToBeNoted: boolean;
}

/**
 * Decides between a connection and an older one with the same token. The newer one wins, since the older is mostly half dead; but two that
 * are alive and throw each other out would go on for ever: then the one that is there stays. One that is not alive never stays.
 */
export function judgeArrival(
  before: TokenHistory | undefined,
  { address, atMs, older }: Arrival,
  rules: TakeoverRules,
): TakeoverVerdict {
  const isAlive = older !== undefined && atMs - older.lastSeenAtMs <= rules.aliveWithinMs;
  const recent = (times: readonly number[], windowMs: number) =>
    times.filter((time) => atMs - time < windowMs);
  const hasMoved = before !== undefined && before.address !== address;
  const changes = [...recent(before?.changes ?? [], rules.flipWindowMs), ...(hasMoved ? [atMs] : [])];
  const earlier = recent(before?.takeovers ?? [], rules.holdWindowMs);
  const isHeld = isAlive && earlier.length >= rules.maxTakeovers;
  const takeovers = isAlive && !isHeld ? [...earlier, atMs] : earlier;
  const sign = signOf({
    bothAlive: isAlive && older.address !== address,
    flips: changes.length >= rules.maxFlips,
    takeovers: isHeld,
  });
  const noted = before?.notedAtMs;
  const isToBeNoted = sign !== undefined && (noted === undefined || atMs - noted >= rules.noteAgainMs);
  return {
    decision: isHeld ? "hold" : "take",
    sign,
    isToBeNoted,
    history: {
      address,
      formerAddress: hasMoved ? before.address : before?.formerAddress,
      changes: changes.slice(-rules.maxFlips),
      takeovers: takeovers.slice(-rules.maxTakeovers),
      notedAtMs: isToBeNoted ? atMs : noted,
    },
  };
}

function signOf(seen: { bothAlive: boolean; flips: boolean; takeovers: boolean }): SharingSign | undefined {
  if (seen.bothAlive) return "both_alive";
  if (seen.flips) return "address_flips";
  return seen.takeovers ? "takeovers" : undefined;
}
