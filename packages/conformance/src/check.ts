import type { Finding } from "./report.ts";

/** MUST: NBWSS, RFC 6455 or JSON say so. SHOULD: Sallyport decided so where the public pages are silent. */
export type Level = "MUST" | "SHOULD";

/** What stands about a check in the lists. */
export interface CheckDescription {
  /** `group.name`, stable; what `--only` looks at. */
  id: string;
  /** The rule in one line, as a statement that holds for a good peer. */
  rule: string;
  /** Where the rule comes from, such as "NBWSS, CONNECT" or "ours, docs/protocol.md". */
  source: string;
  level: Level;
  /** What the check needs beside a peer; it is skipped without. */
  needs?: "slow" | "command" | "notification";
}

/** One rule and how a peer is tried on it. */
export interface Check<Peer> extends CheckDescription {
  /** Resolves when the peer keeps the rule. @throws Failed when it does not, Skipped when that can't be found out */
  run(peer: Peer): Promise<void>;
}

/** The peer does not keep the rule. */
export class Failed extends Error {
  readonly expected: string;
  readonly came: string;

  constructor(expected: string, came: string) {
    super(`expected ${expected}; came ${came}`);
    this.name = "Failed";
    this.expected = expected;
    this.came = came;
  }
}

/** The rule could not be tried. */
export class Skipped extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = "Skipped";
  }
}

/** Makes the checks of one group: the ids begin with its name. */
export function group<Peer>(name: string, checks: readonly Check<Peer>[]): Check<Peer>[] {
  return checks.map((check) => ({ ...check, id: `${name}.${check.id}` }));
}

/** Fails unless `condition` holds. */
export function expect(condition: boolean, expected: string, came: () => string): asserts condition {
  if (!condition) throw new Failed(expected, came());
}

/** What a check's end means. */
export function findingOf(error: unknown): Finding {
  if (error instanceof Skipped) return { outcome: "skip", reason: error.message };
  if (error instanceof Failed) {
    return { outcome: "fail", expected: error.expected, came: error.came };
  }
  // Such as a refused TCP connection, or a fault of the check itself; either way the rule was not seen to hold.
  return { outcome: "fail", expected: "no error", came: String(error) };
}
