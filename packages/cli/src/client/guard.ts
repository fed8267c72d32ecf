import { z } from "zod";
import type { PrimaryClient } from "./primary-client.ts";

const base = "/sallyport/guard";

const ticket = z.looseObject({
  id: z.string(),
  state: z.string(),
  groupId: z.string(),
  requestHash: z.string(),
  rule: z.string(),
  reason: z.string(),
  method: z.string(),
  uri: z.string(),
  contentType: z.string().nullish(),
  body: z.string().nullish(),
  bodyBytes: z.number(),
  heldAtMs: z.number(),
  expiresAtMs: z.number(),
  decidedBy: z.string().nullish(),
  comment: z.string().nullish(),
  status: z.number().nullish(),
});
const decision = z.looseObject({
  action: z.string(),
  rule: z.string(),
  line: z.number().optional(),
  reason: z.string(),
  passed: z.array(z.object({ rule: z.string(), because: z.string() })),
});
const status = z.looseObject({
  rulesFrom: z.string(),
  rulesProblem: z.string().optional(),
  auditProblem: z.string().optional(),
  audit: z.object({ entries: z.number(), bytes: z.number(), files: z.number() }),
  openTickets: z.number(),
  counts: z.record(z.string(), z.number()),
});
const rules = z.looseObject({
  source: z.string(),
  otherwise: z.string(),
  rules: z.array(
    z.looseObject({
      name: z.string(),
      action: z.string(),
      line: z.number().optional(),
      methods: z.array(z.string()).optional(),
      paths: z.array(z.string()).optional(),
      reason: z.string().optional(),
    }),
  ),
  budgets: z.array(
    z.looseObject({
      name: z.string(),
      kind: z.string(),
      most: z.number(),
      hours: z.number(),
      beyond: z.string(),
      spent: z.number(),
    }),
  ),
});

/** A command that was held. */
export type HeldTicket = z.infer<typeof ticket>;
/** What becomes of a command, and why. */
export type ExplainedDecision = z.infer<typeof decision>;

/** A command to ask the guard about. */
export interface GuardQuestion {
  method: string;
  uri: string;
  headers?: Record<string, string>;
  body?: string | undefined;
  groupId?: string | undefined;
  at?: string | undefined;
}

/** The guard of a primary or lone agent, as its administrator uses it on premises. */
export function guardOf(primary: PrimaryClient) {
  const at = (id: string) => `${base}/tickets/${encodeURIComponent(id)}`;
  return {
    status: async () => status.parse(await primary.call("GET", base)),
    rules: async () => rules.parse(await primary.call("GET", `${base}/rules`)),
    list: async (state?: string) => {
      const query = state === undefined ? "" : `?state=${encodeURIComponent(state)}`;
      return z.object({ data: z.array(ticket) }).parse(await primary.call("GET", `${base}/tickets${query}`))
        .data;
    },
    get: async (id: string) => ticket.parse(await primary.call("GET", at(id))),
    approve: async (id: string, verdict: { by?: string; comment?: string } = {}) =>
      ticket.parse(await primary.call("POST", `${at(id)}/approve`, verdict)),
    refuse: async (id: string, verdict: { by?: string; comment?: string } = {}) =>
      ticket.parse(await primary.call("POST", `${at(id)}/refuse`, verdict)),
    test: async (question: GuardQuestion) =>
      decision.parse(await primary.call("POST", `${base}/test`, question)),
  };
}
