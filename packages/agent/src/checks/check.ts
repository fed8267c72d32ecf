/** What came of one check. */
export interface Check {
  /** What was checked, such as `tls`. */
  name: string;
  /** Of what: a host, a folder. */
  subject: string;
  /** SKIP: it could not be checked, or there is nothing to check. */
  outcome: "PASS" | "FAIL" | "SKIP";
  detail: string;
  /** What to do about a FAIL. */
  advice?: string;
}

/** A check that throws has failed, for the reason that it throws. */
export async function tryCheck(
  about: Pick<Check, "name" | "subject"> & { advice: string },
  run: () => Promise<string>,
): Promise<Check> {
  const { advice, ...named } = about;
  try {
    return { ...named, outcome: "PASS", detail: await run() };
  } catch (error) {
    return { ...named, outcome: "FAIL", detail: (error as Error).message, advice };
  }
}
