/** How a check went: `warn` works now, and may not tomorrow or for everybody; `fail` does not work; `skip` could not be checked, or has nothing to check. */
export type CheckState = "pass" | "warn" | "fail" | "skip";

/** What a check found: the one shape of all that `sallyport … check` and `doctor` print. */
export interface Check {
  /** What was looked at; the same name in each release, for programs. */
  name: string;
  /** Of what, where there are several: a host, a folder, a URL. */
  subject?: string;
  state: CheckState;
  /** What was found, one line, without secrets. */
  found: string;
  /** What to do about a `warn` or `fail`; nothing otherwise. */
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

/** @param why it was not checked */
export function skip(name: string, why: string): Check {
  return { name, state: "skip", found: why };
}

/** Makes a check of what may throw, and has then failed for that reason; a text is what was found where all is well. */
export async function attempt(
  name: string,
  todo: string,
  look: () => Check | string | Promise<Check | string>,
): Promise<Check> {
  try {
    const seen = await look();
    return typeof seen === "string" ? pass(name, seen) : seen;
  } catch (error) {
    return fail(name, (error as Error).message, todo);
  }
}

/** Says of what the checks are. */
export function checksOf(subject: string, checks: readonly Check[]): Check[] {
  return checks.map((check) => ({ ...check, subject }));
}

/** Whether any has failed. */
export function hasFailed(checks: readonly Check[]): boolean {
  return checks.some(({ state }) => state === "fail");
}
