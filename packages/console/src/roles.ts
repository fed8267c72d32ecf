import type { SessionInfo } from "@sallyport/hub";

/** What somebody may do. */
export type Role = SessionInfo["role"];

/** From the least to the most. */
const roles: readonly Role[] = ["viewer", "operator", "administrator"];

/** Whether a role is at least the one that is needed. */
export function roleReaches(role: Role, least: Role): boolean {
  return roles.indexOf(role) >= roles.indexOf(least);
}
