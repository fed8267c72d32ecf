import { PrimaryError } from "../errors.ts";
import { isWithin, pathProblem } from "./path-rules.ts";

/** A path that somebody wants back. */
export interface Selection {
  path: string;
  /** The image it is wanted from. */
  backupId: string;
}

/** What is restored under another name (NetBackup's rename file). */
export interface Rename {
  from: string;
  to: string;
}

/** One subtree of an image and where it goes. */
export interface PlannedMove {
  backupId: string;
  path: string;
  destination: string;
}

/**
 * Decides where each selected path goes: the rename entry with the longest `from` that is the path or a folder above
 * it replaces that part. A selection that lies within another of the same image and goes along with it is dropped.
 * @throws PrimaryError `invalid_request` when a path is not absolute and normalised, or a rename cuts a selection apart
 */
export function planRestore(selections: readonly Selection[], renames: readonly Rename[]): PlannedMove[] {
  for (const path of [
    ...selections.map(({ path }) => path),
    ...renames.flatMap(({ from, to }) => [from, to]),
  ]) {
    const problem = pathProblem(path);
    if (problem !== undefined) throw new PrimaryError("invalid_request", `the path "${path}" ${problem}`);
  }
  const moves = selections.map(({ backupId, path }) => ({
    backupId,
    path,
    destination: renamed(path, renames),
  }));
  for (const { from } of renames) {
    const cut = moves.find(({ path }) => path !== from && isWithin(from, path));
    const isSelected = moves.some(({ path }) => path === from);
    if (cut !== undefined && !isSelected) {
      throw new PrimaryError(
        "invalid_request",
        `the rename of "${from}" would cut the selection "${cut.path}" apart: select "${from}" in a restore of its own`,
      );
    }
  }
  return moves.filter((move, index) => !goesAlong(move, moves, index));
}

function goesAlong(move: PlannedMove, moves: readonly PlannedMove[], index: number): boolean {
  return moves.some((outer, at) => {
    if (at === index || outer.backupId !== move.backupId || !isWithin(move.path, outer.path)) return false;
    if (outer.path === move.path && outer.destination === move.destination) return at < index;
    const along = renamed(move.path, [{ from: outer.path, to: outer.destination }]);
    if (along === move.destination) return true;
    throw new PrimaryError(
      "invalid_request",
      `the selection "${move.path}" lies within "${outer.path}" but is renamed apart from it: restore them one after the other`,
    );
  });
}

function renamed(path: string, renames: readonly Rename[]): string {
  let best: Rename | undefined;
  for (const rename of renames) {
    if (isWithin(path, rename.from) && (best === undefined || rename.from.length > best.from.length))
      best = rename;
  }
  if (best === undefined) return path;
  const rest = best.from === "/" ? path : path.slice(best.from.length);
  const joined = `${best.to === "/" ? "" : best.to}${rest === "/" ? "" : rest}`;
  return joined === "" ? "/" : joined;
}
