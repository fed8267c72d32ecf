import { z } from "zod";
import { HubError } from "../errors.ts";

/** From the least to the most: each may do what those before it may. */
export const roles = ["viewer", "operator", "administrator"] as const;

/**
 * What somebody may do: a viewer looks, an operator also works with the primaries (calls that change something, acknowledging alerts),
 * an administrator also changes the hub itself (primaries, keys, users, webhooks).
 */
export type Role = (typeof roles)[number];

/** Which primaries somebody may see and use. */
export const scopeSchema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("all") }),
  /** Those that have all of these labels. */
  z.strictObject({ kind: z.literal("labels"), labels: z.record(z.string(), z.string()) }),
  /** Those of these ids. */
  z.strictObject({ kind: z.literal("primaries"), ids: z.array(z.string()).max(1_000) }),
]);

/** Which primaries somebody may see and use. */
export type Scope = z.infer<typeof scopeSchema>;

/** Whether a role is at least the one required. */
export function reaches(role: Role, required: Role): boolean {
  return roles.indexOf(role) >= roles.indexOf(required);
}

/** Whether a primary lies within a scope. */
export function covers(
  scope: Scope,
  primary: { id: string; labels: Readonly<Record<string, string>> },
): boolean {
  switch (scope.kind) {
    case "all":
      return true;
    case "labels":
      return Object.entries(scope.labels).every(([name, value]) => primary.labels[name] === value);
    case "primaries":
      return scope.ids.includes(primary.id);
  }
}

/**
 * Whether all that a scope covers, now and later, is covered by another: labels may change, so a scope of ids is never within one of
 * labels, nor the other way round.
 */
export function isWithin(inner: Scope, outer: Scope): boolean {
  if (outer.kind === "all") return true;
  if (outer.kind === "labels") {
    return (
      inner.kind === "labels" &&
      Object.entries(outer.labels).every(([name, value]) => inner.labels[name] === value)
    );
  }
  return inner.kind === "primaries" && inner.ids.every((id) => outer.ids.includes(id));
}

/** Who makes a request, and what they may do. */
export interface Caller {
  kind: "api-key" | "user";
  /** Of the key or the user. */
  id: string;
  name: string;
  role: Role;
  scope: Scope;
}

/** @throws HubError `forbidden` when the caller's role is below the one required */
export function requireRole(caller: Caller, required: Role): void {
  if (reaches(caller.role, required)) return;
  throw new HubError("forbidden", `this needs the role ${required}; "${caller.name}" is ${caller.role}`);
}

/**
 * Refuses what belongs to the whole hub (users, keys, webhooks for all) to those who may only see some primaries.
 * @throws HubError `forbidden`
 */
export function requireWholeHub(caller: Caller): void {
  if (caller.scope.kind === "all") return;
  throw new HubError(
    "forbidden",
    `"${caller.name}" is limited to some primaries; this concerns the whole hub`,
  );
}

/**
 * Nobody gives away more than they have.
 * @throws HubError `forbidden` when the role or scope reaches beyond the caller's
 */
export function requireGrantable(caller: Caller, { role, scope }: Pick<Caller, "role" | "scope">): void {
  requireRole(caller, role);
  if (isWithin(scope, caller.scope)) return;
  throw new HubError("forbidden", `the scope reaches beyond that of "${caller.name}"`);
}
