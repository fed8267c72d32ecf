import { Option, type Command } from "commander";
import type { HubClient } from "../client/hub-client.ts";
import { Failure } from "../failure.ts";
import { collect, labels } from "./option-values.ts";

/** The options that say what somebody may do, and with which primaries. */
export interface ScopeOptions {
  role: string;
  label: Record<string, string>;
  primary: string[];
}

/** What the hub calls a scope. */
export type Scope =
  | { kind: "all" }
  | { kind: "labels"; labels: Record<string, string> }
  | { kind: "primaries"; ids: string[] };

/** Adds `--role`, `--label` and `--primary`. */
export function withScopeOptions(command: Command): Command {
  return command
    .addOption(
      new Option("--role <role>", "what it may do")
        .choices(["viewer", "operator", "administrator"])
        .default("viewer"),
    )
    .option("--label <name=value>", "only primaries with this label; may be given several times", labels, {})
    .option("--primary <name-or-id>", "only this primary; may be given several times", collect, []);
}

/** @throws Failure when labels and primaries are mixed, or a primary is unknown */
export async function scopeOf(hub: HubClient, { label, primary }: ScopeOptions): Promise<Scope> {
  const hasLabels = Object.keys(label).length > 0;
  if (hasLabels && primary.length > 0) {
    throw new Failure("--label and --primary exclude each other", { exitCode: 2 });
  }
  if (hasLabels) return { kind: "labels", labels: label };
  if (primary.length === 0) return { kind: "all" };
  const found = await Promise.all(primary.map((name) => hub.findPrimary(name)));
  return { kind: "primaries", ids: found.map(({ id }) => id) };
}

/** A scope in a few words, for a table. */
export function scopeText(scope: { kind: string; [member: string]: unknown }): string {
  if (scope.kind === "labels") {
    const pairs = Object.entries(scope["labels"] as Record<string, string>);
    return pairs.map(([name, value]) => `${name}=${value}`).join(", ");
  }
  if (scope.kind === "primaries") return `${(scope["ids"] as string[]).length} primaries`;
  return scope.kind;
}
