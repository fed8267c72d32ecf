import { createHash } from "node:crypto";
import { roles, type Caller, type Role } from "./roles.ts";

/** What a provider says of somebody. */
export type Claims = Readonly<Record<string, unknown>>;

/** How roles are found in claims. */
export interface RoleMapping {
  /** The claim, such as `groups`, or a path to one, such as `realm_access.roles`. */
  roleClaim: string;
  /** What each value of it stands for. */
  roles: Readonly<Record<string, Role>>;
  /** For those who have no value of `roles`; without it they don't get in. */
  defaultRole?: Role | undefined;
}

/** Who the claims are about; undefined when they stand for no role. Of several roles the highest counts. */
export function callerOfClaims(
  issuer: string,
  subject: string,
  claims: Claims,
  mapping: RoleMapping,
): Caller | undefined {
  const values = valuesOf(claims, mapping.roleClaim);
  const found = values.flatMap((value) =>
    Object.hasOwn(mapping.roles, value) ? [mapping.roles[value]] : [],
  );
  const role = roles.findLast((known) => found.includes(known)) ?? mapping.defaultRole;
  if (role === undefined) return undefined;
  return {
    kind: "user",
    id: oidcId(issuer, subject),
    name: nameOf(claims, subject),
    role,
    scope: { kind: "all" },
  };
}

/** The id of somebody whom only the provider knows: the same at each sign-in, whatever characters their subject has. */
export function oidcId(issuer: string, subject: string): string {
  return `oidc-${createHash("sha256").update(`${issuer}\n${subject}`).digest("hex").slice(0, 32)}`;
}

/** Whether the claims have the claim of the roles at all. */
export function hasRoleClaim(claims: Claims, { roleClaim }: RoleMapping): boolean {
  return valuesOf(claims, roleClaim).length > 0;
}

/** The claim of this very name goes before the path: names may have dots, and even be URLs. */
function valuesOf(claims: Claims, name: string): string[] {
  let value: unknown = claims[name];
  if (value === undefined) {
    value = claims;
    for (const part of name.split(".")) {
      value =
        typeof value === "object" && value !== null && Object.hasOwn(value, part)
          ? (value as Claims)[part]
          : undefined;
    }
  }
  const list: unknown[] = Array.isArray(value) ? value : [value];
  return list.filter((item) => typeof item === "string");
}

/** A name for people: one line, not too long. */
function nameOf(claims: Claims, subject: string): string {
  const names = [claims["preferred_username"], claims["email"], claims["name"], subject];
  const name = names.find((value) => typeof value === "string" && value.trim() !== "") as string | undefined;
  return (name ?? subject).replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, "").slice(0, 128);
}
