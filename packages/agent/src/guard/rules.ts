import { z } from "zod";
import { commandMethods } from "@sallyport/nbwss";
import { bodyPredicate } from "./body-predicate.ts";
import { problemOfPattern } from "./path-pattern.ts";
import { isTimeZone, timeWindow } from "./time-window.ts";

/** Bounds of a rules file; one that goes beyond is refused as a whole. */
export const rulesBounds = {
  maxFileBytes: 256 * 1024,
  maxRules: 200,
  maxBudgets: 50,
  /** The longest span that a budget may count over, hours: a week. */
  maxBudgetHours: 168,
  /** The longest time that a held command may wait, minutes: a week. */
  maxTicketMinutes: 10_080,
} as const;

const actions = ["allow", "deny", "hold"] as const;
const name = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9-]{0,63}$/,
    "has to be 1 to 64 of a-z, 0-9 and -, beginning with a letter or digit",
  );
const groups = z
  .array(z.string().min(1).max(256))
  .min(1)
  .max(64)
  .optional()
  .describe("server groups (`groupId` of the endpoint) from which the command comes; any unless given");

const pathPattern = z
  .string()
  .max(1024)
  .superRefine((pattern, context) => {
    const problem = problemOfPattern(pattern);
    if (problem !== undefined) context.addIssue({ code: "custom", message: problem });
  });

/** One rule: what it is about, and what becomes of such commands. */
export const guardRule = z.strictObject({
  name: name.describe("appears in answers, tickets and the audit; unique"),
  action: z
    .enum(actions)
    .describe("`allow`, `deny` (answered 403), or `hold` for approval on premises (answered 202)"),
  methods: z.array(z.enum(commandMethods)).min(1).optional().describe("any method unless given"),
  paths: z
    .array(pathPattern)
    .min(1)
    .max(64)
    .optional()
    .describe(
      "one of these matches; `*` is one segment or, once in it, any characters, `**` at the end whatever follows; any path unless given",
    ),
  body: z.array(bodyPredicate).min(1).max(16).optional().describe("all of these hold for the JSON body"),
  groups,
  times: z
    .array(timeWindow)
    .min(1)
    .max(16)
    .optional()
    .describe("it is within one of these spans; always unless given"),
  reason: z.string().min(1).max(200).optional().describe("told to the caller"),
});

/** What a budget can count. */
export const budgetKinds = ["imagesExpired", "policiesChanged", "jobsCancelled", "bytesRestored"] as const;

/** How much of something may be done in a time. */
export const guardBudget = z.strictObject({
  name: name.describe("appears like a rule's; unique among both"),
  kind: z
    .enum(budgetKinds)
    .describe("what is counted: `imagesExpired`, `policiesChanged`, `jobsCancelled`, or `bytesRestored`"),
  most: z.int().min(0).describe("how much may be done in the time"),
  hours: z
    .int()
    .min(1)
    .max(rulesBounds.maxBudgetHours)
    .default(1)
    .describe("the time, the last hours at any moment"),
  groups,
  beyond: z.enum(["hold", "deny"]).default("hold").describe("what becomes of a command that would exceed it"),
});

/** The whole rules file. */
export const rulesDocument = z.strictObject({
  version: z.literal(1).describe("of this format"),
  timeZone: z
    .string()
    .max(64)
    .refine(isTimeZone, "has to be a time zone such as Europe/Vienna")
    .optional()
    .describe("for `times`; the machine's own unless given"),
  rules: z.array(guardRule).max(rulesBounds.maxRules).default([]).describe("the first that matches decides"),
  defaults: z.boolean().default(true).describe("whether the default rules follow the file's own"),
  otherwise: z.enum(actions).default("hold").describe("what becomes of a command that no rule matches"),
  budgets: z
    .array(guardBudget)
    .max(rulesBounds.maxBudgets)
    .default([])
    .describe("limits of what rules allow; one of a kind replaces the default budget of that kind"),
  tickets: z
    .strictObject({
      expireAfterMinutes: z
        .int()
        .min(1)
        .max(rulesBounds.maxTicketMinutes)
        .default(1_440)
        .describe("how long a held command may wait, and an approved one, each, until it is sent again"),
    })
    .default({ expireAfterMinutes: 1_440 }),
});

/** The JSON Schema of a rules file, as it is written. */
export function rulesSchema(): z.core.JSONSchema.BaseSchema {
  return z.toJSONSchema(rulesDocument, { io: "input" });
}

/** What becomes of a command. */
export type GuardAction = (typeof actions)[number];
/** What a budget counts. */
export type BudgetKind = (typeof budgetKinds)[number];
/** A budget. */
export type GuardBudget = z.infer<typeof guardBudget>;
/** A rule; `line` says where it stands in its file, and is missing for rules that are built in. */
export type GuardRule = z.infer<typeof guardRule> & { line?: number | undefined };

/** Rules that are in force: the file's own and the built-in ones, in the order in which they are looked at. */
export interface GuardRules {
  /** Where they come from: the file's name, or "the defaults", behind `--read-only` where that holds. */
  source: string;
  rules: readonly GuardRule[];
  otherwise: GuardAction;
  budgets: readonly GuardBudget[];
  timeZone: string | undefined;
  ticketLifeMs: number;
}
