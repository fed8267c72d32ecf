/** A goal for a ratio of ours to a peer's. */
export interface Goal {
  atLeast?: number;
  atMost?: number;
}

/** One line of the results. */
export interface Comparison {
  what: string;
  ours: string;
  peer: string;
  /** Ours to the peer's, round by round. */
  ratios: readonly number[];
  goal: Goal | undefined;
}

/** How a comparison came out. */
export interface Verdict {
  median: number;
  lowest: number;
  highest: number;
  text: string;
}

/** The middle of some figures; the mean of the two in the middle when their number is even. */
export function median(figures: readonly number[]): number {
  const sorted = [...figures].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const [low = NaN, high = NaN] = [sorted[middle - 1 + (sorted.length % 2)], sorted[middle]];
  return (low + high) / 2;
}

/** Holds the median of a comparison's ratios against its goal. */
export function judge({ ratios, goal }: Comparison): Verdict {
  const figures = { median: median(ratios), lowest: Math.min(...ratios), highest: Math.max(...ratios) };
  return { ...figures, text: verdictOf(figures.median, goal) };
}

/** A goal as text. */
export function goalText(goal: Goal | undefined): string {
  if (goal?.atLeast !== undefined) return `≥ ${goal.atLeast.toFixed(2)}`;
  return goal?.atMost === undefined ? "–" : `≤ ${goal.atMost.toFixed(2)}`;
}

function verdictOf(ratio: number, goal: Goal | undefined): string {
  const { atLeast, atMost } = goal ?? {};
  if (atLeast !== undefined) return ratio >= atLeast ? "PASS" : missed(1 - ratio / atLeast);
  if (atMost !== undefined) return ratio <= atMost ? "PASS" : missed(ratio / atMost - 1);
  return "for comparison";
}

function missed(share: number): string {
  return `missed by ${Math.max(1, Math.round(share * 100))} %`;
}

/** Ratios of two series of figures that were taken in the same rounds. */
export function ratiosOf(ours: readonly number[], peer: readonly number[]): number[] {
  return ours.map((figure, round) => figure / (peer[round] ?? NaN)).filter(Number.isFinite);
}
