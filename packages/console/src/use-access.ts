import { useQuery } from "@tanstack/react-query";
import { sessionQuery } from "./api/session.ts";
import { roleReaches, type Role } from "./roles.ts";

/** What whoever is signed in may do, so that nothing is offered that the hub would refuse. The hub decides; this only spares the attempt. */
export function useAccess() {
  const { data: session } = useQuery(sessionQuery);
  const role = session?.role ?? "viewer";
  return {
    role,
    /** Whether the role is at least this one. */
    may: (least: Role) => roleReaches(role, least),
    /** Whether all primaries are theirs, and with them what concerns the hub as a whole. */
    seesWholeHub: session?.scope.kind === "all",
  };
}
