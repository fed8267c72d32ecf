import type { Access } from "../access/access.ts";
import type { Caller } from "../access/roles.ts";
import type { PrimariesView } from "../views/primaries.ts";
import type { Condition, Path } from "./row-pages.ts";

/** Primaries that a list is read for one by one; of more it is read as a whole and filtered. */
const maxSeparate = 20;

/** Which primaries are asked for. */
export interface PrimariesAsked {
  primary?: string | undefined;
  label?: readonly (readonly [name: string, value: string])[] | undefined;
}

/** What is needed to find the primaries of a list. */
export interface FleetFilterOptions {
  access: Pick<Access, "visiblePrimaries">;
  primaries: Pick<PrimariesView, "list">;
}

/**
 * The ids of the primaries that are asked for and that the caller may see; "all" when that is each of them. One that is unknown, or
 * that the caller may not see, gives an empty list, as one without jobs does.
 */
export function primariesAsked(
  { access, primaries }: FleetFilterOptions,
  caller: Caller,
  { primary, label = [] }: PrimariesAsked,
): "all" | string[] {
  const visible = access.visiblePrimaries(caller);
  const isVisible = (id: string) => visible === "all" || visible.has(id);
  if (label.length === 0) {
    if (primary !== undefined) return isVisible(primary) ? [primary] : [];
    return visible === "all" ? "all" : [...visible];
  }
  const labelled = primaries
    .list()
    .filter(({ labels }) => label.every(([name, value]) => labels[name] === value));
  const ids = labelled.map(({ id }) => id).filter(isVisible);
  return primary === undefined ? ids : ids.filter((id) => id === primary);
}

/** The ways to the rows of some primaries; undefined when they are too many, or all. */
export function pathsOf(ids: "all" | readonly string[], index: string): Path[] | undefined {
  if (ids === "all" || ids.length > maxSeparate) return undefined;
  return ids.map((id) => ({ index, where: { sql: "primary_id = ?", values: [id] } }));
}

/** Rows of these primaries only. */
export function ofPrimaries(ids: "all" | readonly string[]): Condition[] {
  if (ids === "all") return [];
  return [{ sql: "primary_id IN (SELECT value FROM json_each(?))", values: [JSON.stringify(ids)] }];
}

/** Rows in which a column has this value; all when it is undefined. */
export function equals(column: string, value: string | number | undefined): Condition[] {
  return value === undefined ? [] : [{ sql: `${column} = ?`, values: [value] }];
}
