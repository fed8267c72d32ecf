/** How a check went: `warn` works now, and may not tomorrow or for everybody; `fail` does not work. */
export type CheckState = "pass" | "warn" | "fail";

/** What a check found. */
export interface Check {
  /** What was looked at; the same name in each release, for programs. */
  name: string;
  state: CheckState;
  /** What was found, one line, without secrets. */
  found: string;
  /** What to do about it; nothing where it passed. */
  todo?: string;
}

export function pass(name: string, found: string): Check {
  return { name, state: "pass", found };
}

export function warn(name: string, found: string, todo: string): Check {
  return { name, state: "warn", found, todo };
}

export function fail(name: string, found: string, todo: string): Check {
  return { name, state: "fail", found, todo };
}

/** Makes a check of what may throw: what can't be looked at has failed. */
export async function attempt(
  name: string,
  todo: string,
  look: () => Check | Promise<Check>,
): Promise<Check> {
  try {
    return await look();
  } catch (error) {
    return fail(name, `it can't be looked at: ${(error as Error).message}`, todo);
  }
}

/** How many went which way. */
export function countStates(checks: readonly Check[]): Record<CheckState, number> {
  const count = { pass: 0, warn: 0, fail: 0 };
  for (const { state } of checks) count[state] += 1;
  return count;
}
