import type { Comparison } from "./comparison.ts";

/** How long and how often is measured. */
export interface Plan {
  rounds: number;
  /** Rounds of the connections' part, which takes longest. */
  connectionRounds: number;
  warmUpS: number;
  /** One run of the load generator. */
  commandS: number;
  notificationS: number;
  connections: number;
  /** How long connections stay idle before the memory is read. */
  settleS: number;
  /** Small files of a backup, and how much there is of large ones beside them. */
  backupFiles: number;
  backupLargeMiB: number;
  /** Jobs and images that lists are taken from. */
  listedRows: number;
  /** How often each list is taken. */
  listRounds: number;
  /** Entries of the image that is browsed. */
  imageEntries: number;
  /** Only peers whose names contain one of these; all when there is none. */
  peers: readonly string[];
  /** Tells what is going on. */
  say: (line: string) => void;
}

/** What a part of the bench brings. */
export interface Measured {
  comparisons: Comparison[];
  /** Peers that could not be had, and why. */
  missing: string[];
  /** Versions that only the peer itself knows. */
  versions: Record<string, string>;
}

/** The whole run: some six minutes. */
export const fullPlan: Omit<Plan, "say" | "peers"> = {
  rounds: 5,
  connectionRounds: 3,
  warmUpS: 2,
  commandS: 2,
  notificationS: 3,
  connections: 5_000,
  settleS: 3,
  backupFiles: 20_000,
  backupLargeMiB: 2048,
  listedRows: 1_000_000,
  listRounds: 101,
  imageEntries: 1_000_000,
};

/** `--quick`: enough to see that everything runs, too little to judge by. */
export const quickPlan: Omit<Plan, "say" | "peers"> = {
  rounds: 2,
  connectionRounds: 1,
  warmUpS: 1,
  commandS: 1,
  notificationS: 1,
  connections: 1_000,
  settleS: 2,
  backupFiles: 2_000,
  backupLargeMiB: 128,
  listedRows: 100_000,
  listRounds: 5,
  imageEntries: 20_000,
};

/** Whether a peer of this name is to be measured. */
export function isWanted({ peers }: Plan, name: string): boolean {
  return peers.length === 0 || peers.some((part) => name.toLowerCase().includes(part.toLowerCase()));
}
