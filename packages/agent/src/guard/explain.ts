import { z } from "zod";
import { commandMethods } from "@sallyport/nbwss";
import { checkInput } from "../endpoints/details.ts";
import { defaultAgentLimits } from "../limits.ts";
import { decide, denyUnclear, type Decision } from "./decision.ts";
import { effectsOf, type Effects } from "./effects.ts";
import { readRequest } from "./guarded-request.ts";
import type { GuardRules } from "./rules.ts";

const question = z.object({
  method: z.enum(commandMethods),
  uri: z.string(),
  headers: z.record(z.string(), z.string()).default({}),
  body: z.string().optional(),
  groupId: z.string().default(""),
  /** ISO 8601; now unless given. */
  at: z.iso.datetime({ offset: true }).optional(),
});

/** A decision with what budgets would count of the command. */
export type ExplainedDecision = Decision & { effects: Effects };

/**
 * What would become of a command now, or at the time that it names; nothing is done.
 * @param asked method, uri, and where they matter headers, body, groupId, at
 * @throws AgentError `invalid_details`
 */
export function explainDecision(rules: GuardRules, asked: unknown, nowMs: number): ExplainedDecision {
  const { method, uri, headers, body: parameters, groupId, at } = checkInput(question, asked, "request");
  const command = { method, uri, headers, parameters };
  const { request, refusal } = readRequest(command, groupId, defaultAgentLimits.maxPathCharacters);
  if (request === undefined) return { ...denyUnclear(refusal), effects: {} };
  const decision = decide(rules, request, at === undefined ? nowMs : Date.parse(at));
  return { ...decision, effects: effectsOf(request) };
}
