import type { GuardStatus } from "../guard/guard-administration.ts";
import { fail, pass, type Check } from "./check.ts";

/** Whether the rules that somebody wrote are in force, and whether the audit can be written. */
export function checkGuard({ rulesFrom, rulesProblem, auditProblem, audit }: GuardStatus): Check[] {
  return [
    rulesProblem === undefined
      ? pass("guard-rules", `in force: ${rulesFrom}`)
      : fail(
          "guard-rules",
          `the former rules are in force, since the file can't be used: ${rulesProblem.replaceAll("\n", "; ")}`,
          "mend the file; sallyport guard check FILE looks before",
        ),
    auditProblem === undefined
      ? pass("audit", `can be written; ${audit.entries} entries so far`)
      : fail(
          "audit",
          `can't be written, so that nothing goes through but reading: ${auditProblem}`,
          "free space where the disk is full; where it was changed, put the folder audit away and start the agent again",
        ),
  ];
}
