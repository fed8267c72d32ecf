/** As often as an endpoint may close with 1009 while the same notification is the largest that it has not acknowledged; then that is too large for it. */
const maxTooBigCloses = 3;

/**
 * Finds the notification that an endpoint can't take. It says only that something was too large (1009), which may have been an answer: so a notification
 * is blamed when this happens again and again with the same one.
 */
export class SizeSuspects {
  /** By group: the id of the suspect, and how often it was there. In memory: after a restart it takes as many closes again. */
  readonly #suspects = new Map<string, { id: string; times: number }>();

  /**
   * An endpoint has closed a group's connection with 1009.
   * @param id of the largest notification that was sent and not acknowledged
   * @returns whether that is proven to be too large
   */
  tooBig(groupId: string, id: string): boolean {
    const before = this.#suspects.get(groupId);
    const times = before?.id === id ? before.times + 1 : 1;
    if (times < maxTooBigCloses) this.#suspects.set(groupId, { id, times });
    else this.#suspects.delete(groupId);
    return times >= maxTooBigCloses;
  }
}
