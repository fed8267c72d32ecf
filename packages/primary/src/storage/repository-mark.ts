import { PrimaryError } from "../errors.ts";
import type { Snapshot } from "./restic-output.ts";
import type { Restic } from "./restic.ts";

/** The tag of the one snapshot that says whose a repository is; it has no backup id, so it is never an image. */
const markTag = "sallyport-primary";

/** Whose marks are among the snapshots. */
function marksOf(snapshots: readonly Snapshot[]): { id: string; owner: string }[] {
  return snapshots.flatMap(({ id, tags }) => {
    const owner = tags[markTag];
    return owner === undefined ? [] : [{ id, owner }];
  });
}

/**
 * Refuses a repository that bears the mark of another primary, or none where ours was.
 * @throws PrimaryError `storage_unusable`
 */
export function checkMark(snapshots: readonly Snapshot[], primaryId: string, location: string): void {
  const marks = marksOf(snapshots);
  const foreign = marks.find(({ owner }) => owner !== primaryId);
  if (foreign !== undefined) throw belongsTo(foreign.owner, location);
  if (marks.length > 0) return;
  throw new PrimaryError(
    "storage_unusable",
    `${location} is another repository than the one that was there: it does not bear this primary's mark`,
  );
}

/**
 * Puts this primary's mark on a repository that has none.
 * @param takesOver replaces the mark of another primary, which from then on refuses the repository
 * @throws PrimaryError `storage_unusable` when it is another primary's
 */
export async function putMark(
  restic: Restic,
  snapshots: readonly Snapshot[],
  { primaryId, takesOver, location }: { primaryId: string; takesOver: boolean; location: string },
): Promise<void> {
  const marks = marksOf(snapshots);
  const foreign = marks.filter(({ owner }) => owner !== primaryId);
  if (foreign[0] !== undefined && !takesOver) throw belongsTo(foreign[0].owner, location);
  if (marks.length === foreign.length)
    await restic.addNote(markTag, `${primaryId}\n`, { [markTag]: primaryId });
  await restic.forget(foreign.map(({ id }) => id));
}

function belongsTo(owner: string, location: string): PrimaryError {
  return new PrimaryError(
    "storage_unusable",
    `${location} belongs to another primary (${owner}), which may be using it: two would delete each other's images. ` +
      `If that one is gone for good, add the storage unit with --take-over (remove it first where it is there)`,
  );
}
