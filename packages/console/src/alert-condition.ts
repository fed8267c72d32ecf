import type { AlertCondition } from "@sallyport/hub";
import { toLabels, toPairs } from "./label-pairs.ts";

/** A rule as it is typed. */
export interface RuleValues {
  name: string;
  kind: AlertCondition["kind"];
  /** Hours, minutes or seconds, as the kind has it. */
  amount: number;
  policy: string;
  client: string;
  labels: string[];
}

/** What such a rule watches for. */
export function conditionOf({ kind, amount, policy, client, labels }: RuleValues): AlertCondition {
  const filter = { labels: toLabels(labels), primaries: [] };
  switch (kind) {
    case "no_good_backup":
      return { kind, hours: amount, ...textOf("policy", policy), ...textOf("client", client), ...filter };
    case "primary_silent":
      return { kind, minutes: amount, ...filter };
    case "notifications_missing":
      return { kind, hours: amount, ...filter };
    case "inbox_behind":
      return { kind, seconds: amount };
  }
}

function textOf<Name extends string>(name: Name, text: string): Partial<Record<Name, string>> {
  return text.trim() === "" ? {} : ({ [name]: text.trim() } as Record<Name, string>);
}

/** What a rule watches for, in a sentence without its full stop. */
export function conditionText(condition: AlertCondition): string {
  switch (condition.kind) {
    case "no_good_backup": {
      const { hours, policy, client } = condition;
      const of = [
        policy === undefined ? "" : ` by policy ${policy}`,
        client === undefined ? "" : ` of client ${client}`,
      ];
      return `no good backup${of.join("")} for ${hours} h${whereText(condition)}`;
    }
    case "primary_silent":
      return `a primary is silent for ${condition.minutes} min${whereText(condition)}`;
    case "notifications_missing":
      return `notifications were found missing in the last ${condition.hours} h${whereText(condition)}`;
    case "inbox_behind":
      return `the inbox is behind by ${condition.seconds} s`;
  }
}

function whereText({ labels, primaries }: { labels: Record<string, string>; primaries: string[] }): string {
  const parts = [
    toPairs(labels).join(", "),
    primaries.length === 0 ? "" : `${primaries.length} chosen primaries`,
  ].filter((part) => part !== "");
  return parts.length === 0 ? "" : ` (only ${parts.join("; ")})`;
}
