import type { Resume, Standing } from "@sallyport/nbwss";

/** What the outbox knows of a group's journal. */
export interface JournalState {
  journal: string;
  /** Everything up to here is acknowledged. */
  cursor: number;
  /** The newest position there ever was. */
  last: number;
  /** The oldest position that is still there; undefined when none is. */
  first: number | undefined;
  /** The id of the message at a position; undefined when it is not there any more. */
  idAt: (position: number) => string | undefined;
}

/** Where a group goes on; `position` is what its cursor becomes. A `refused` one begins a new journal. */
export type ResumeDecision = Pick<Resume, "outcome" | "position">;

/**
 * Where to go on, after what the endpoint says it has stored (Sallyport's extension, RESUME). An endpoint is believed that it has less than it has
 * acknowledged: it gets again what there still is. That it has more is believed only when it knows the id of the last of it, which was made
 * at random here and is known only to those whom it was sent to; and what is numbered is sent in order, so that all before was sent too.
 */
export function decideResume(state: JournalState, claim: Standing | null): ResumeDecision {
  const { journal, cursor, last, first, idAt } = state;
  if (claim === null || claim.journal.toUpperCase() !== journal) {
    return { outcome: "began", position: cursor };
  }
  const { position, id } = claim;
  if (position <= cursor) return { outcome: "resumed", position };
  if (position > last) return { outcome: "refused", position: cursor };
  // Dropped at the bound before it was acknowledged: to believe it drops nothing.
  if (first === undefined || position < first) return { outcome: "resumed", position };
  const isKnown = id !== null && idAt(position) === id.toUpperCase();
  return isKnown ? { outcome: "resumed", position } : { outcome: "refused", position: cursor };
}
