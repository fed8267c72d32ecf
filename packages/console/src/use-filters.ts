import { useNavigate, useSearch } from "@tanstack/react-router";
import { useCallback } from "react";

/** The filters of a list, by name; empty when not set. */
export type Filters<Name extends string> = Readonly<Record<Name, string>>;

/**
 * Filters that live in the page's address, so that a filtered list can be sent to somebody and Back undoes nothing.
 * @param names the filters that the page has; anything else in the address is left alone
 */
export function useFilters<Name extends string>(
  names: readonly Name[],
): [filters: Filters<Name>, set: (name: Name, value: string) => void, clear: () => void] {
  const search: Record<string, unknown> = useSearch({ strict: false });
  const navigate = useNavigate();
  const change = useCallback(
    (changed: Record<string, string | undefined>) => {
      void navigate({
        to: ".",
        replace: true,
        search: (old: Record<string, string | undefined>) => ({ ...old, ...changed }),
      });
    },
    [navigate],
  );
  const set = useCallback(
    (name: Name, value: string) => change({ [name]: value === "" ? undefined : value }),
    [change],
  );
  const clear = useCallback(
    () => change(Object.fromEntries(names.map((name) => [name, undefined]))),
    [change, names],
  );
  const filters = Object.fromEntries(names.map((name) => [name, textOf(search[name])])) as Filters<Name>;
  return [filters, set, clear];
}

function textOf(value: unknown): string {
  return typeof value === "string" || typeof value === "number" ? String(value) : "";
}
