/** When a group leaves a connection for an endpoint that is preferred to it; `never` is NetBackup's rule (NBWSS, connection rules). */
export type FailBack =
  | { mode: "never" }
  /** As soon as no command runs and every notification is acknowledged. */
  | { mode: "when-idle" }
  /** When the preferred endpoint could be reached without a break for this long. */
  | { mode: "after-stable"; minutes: number }
  | { mode: "now" };

/** An activated endpoint of a group, as far as the choice depends on it. */
export interface Candidate {
  hostName: string;
  /** Lower is preferred. */
  priority: number;
  /** For how long every look has found it reachable, ms; undefined: the last one has not, or there was none. */
  reachableForMs?: number | undefined;
  /** It went silent a moment ago, or a fail-back to it has come to nothing: no fail-back to it now, and last in order. */
  suspect?: boolean | undefined;
}

/** All that decides what a group does next. */
export interface GroupView {
  candidates: readonly Candidate[];
  /** The host that the group is connected to. */
  connectedTo: string | undefined;
  /** No command runs and nothing waits for an acknowledgement. */
  isIdle: boolean;
  failBack: FailBack;
}

/** What a group does next. */
export type Step =
  | { kind: "stay" }
  /** The endpoint of the connection is gone or deactivated. */
  | { kind: "leave" }
  /** To try in this order until one connects; empty when there is none. */
  | { kind: "dial"; order: readonly string[] }
  | { kind: "move"; to: string };

/** Chooses what a group does next. Pure: the same view gives the same step. */
export function chooseStep(view: GroupView): Step {
  const { candidates, connectedTo } = view;
  if (connectedTo === undefined) return { kind: "dial", order: inOrder(candidates) };
  if (candidates.every(({ hostName }) => hostName !== connectedTo)) return { kind: "leave" };
  const to = preferredTo(candidates, connectedTo).find((candidate) => mayMove(candidate, view));
  return to === undefined ? { kind: "stay" } : { kind: "move", to: to.hostName };
}

/** The endpoints that are preferred to the connected one, the most preferred first; one of the same priority is not. */
export function preferredTo(candidates: readonly Candidate[], connectedTo: string): Candidate[] {
  const current = candidates.find(({ hostName }) => hostName === connectedTo);
  if (current === undefined) return [];
  return candidates.filter(({ priority }) => priority < current.priority).toSorted(byPreference);
}

function inOrder(candidates: readonly Candidate[]): string[] {
  const suspectLast = (a: Candidate, b: Candidate) => Number(a.suspect ?? false) - Number(b.suspect ?? false);
  return candidates
    .toSorted((a, b) => suspectLast(a, b) || byPreference(a, b))
    .map(({ hostName }) => hostName);
}

function mayMove({ reachableForMs, suspect }: Candidate, { failBack, isIdle }: GroupView): boolean {
  if (reachableForMs === undefined || suspect === true) return false;
  switch (failBack.mode) {
    case "never":
      return false;
    case "when-idle":
      return isIdle;
    case "after-stable":
      return reachableForMs >= failBack.minutes * 60_000;
    case "now":
      return true;
  }
}

function byPreference(a: Candidate, b: Candidate): number {
  return a.priority - b.priority || (a.hostName < b.hostName ? -1 : 1);
}
