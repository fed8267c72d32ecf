import { meetsAll } from "./body-predicate.ts";
import type { GuardedRequest } from "./guarded-request.ts";
import { matchesPattern } from "./path-pattern.ts";
import type { GuardAction, GuardRule, GuardRules } from "./rules.ts";
import { isWithin, wallTime, type WallTime } from "./time-window.ts";

/** Why a rule did not decide. */
export type Mismatch = "method" | "group" | "path" | "body" | "time";

/** What becomes of a command, and why. */
export interface Decision {
  action: GuardAction;
  /** The name of the rule, or budget, that decided. */
  rule: string;
  /** Where the rule stands in the rules file; undefined for what is built in. */
  line?: number | undefined;
  /** For the caller. */
  reason: string;
  /** The rules that were looked at before, in order, with what did not match. */
  passed: readonly { rule: string; because: Mismatch }[];
}

/** The rule's name where no rule matches. */
export const otherwiseName = "otherwise";
/** The rule's name where a request has no clear reading. */
export const unclearName = "unclear-request";

/**
 * Decides by the first rule that matches. A rule that allows matches only what is surely meant: letter by letter, a body with one reading. A
 * rule that denies or holds matches whatever a server might take for what it names, so that no spelling passes it by.
 */
export function decide(rules: GuardRules, request: GuardedRequest, nowMs: number): Decision {
  const passed: { rule: string; because: Mismatch }[] = [];
  // Only for rules that ask for it: it costs more than all the rest.
  let wall: WallTime | undefined;
  const now = () => (wall ??= wallTime(nowMs, rules.timeZone));
  for (const rule of rules.rules) {
    const because = mismatchOf(rule, request, now);
    if (because === undefined) {
      const { name, action, line, reason = reasons[action] } = rule;
      return { action, rule: name, line, reason, passed };
    }
    passed.push({ rule: rule.name, because });
  }
  const action = rules.otherwise;
  return { action, rule: otherwiseName, reason: "no rule names it", passed };
}

/** The decision for what has no clear reading. */
export function denyUnclear(refusal: string): Decision {
  return { action: "deny", rule: unclearName, reason: refusal, passed: [] };
}

const reasons: Readonly<Record<GuardAction, string>> = {
  allow: "it is allowed",
  deny: "it is not allowed",
  hold: "somebody on premises has to approve it",
};

function mismatchOf(rule: GuardRule, request: GuardedRequest, now: () => WallTime): Mismatch | undefined {
  const { methods, groups, paths, times, body, action } = rule;
  if (methods !== undefined && !methods.includes(request.method)) return "method";
  if (groups !== undefined && !groups.includes(request.groupId)) return "group";
  const how = action === "allow" ? "exact" : "loose";
  if (paths !== undefined && !paths.some((pattern) => matchesPattern(pattern, request.path.segments, how)))
    return "path";
  if (times !== undefined && !times.some((window) => isWithin(window, now()))) return "time";
  if (body === undefined) return undefined;
  const isMet = meetsAll(body, request.json());
  return isMet === true || (isMet === "unknown" && action !== "allow") ? undefined : "body";
}
