/** What a search for the longest silence is set to. */
export interface IdleRules {
  /** Where it begins, ms. */
  startMs: number;
  /** Beyond this it does not look, ms. */
  limitMs: number;
  /** No silence is begun that would end after so long of silence altogether, ms. */
  budgetMs: number;
}

/** What is known so far: a silence of `survivedMs` does no harm, one of `cutMs` is cut. */
export interface IdleBracket {
  /** 0: none was survived yet. */
  survivedMs: number;
  /** Undefined: none was cut. */
  cutMs: number | undefined;
}

/** A search that goes on. It depends on nothing else. */
export interface IdleSearch extends IdleBracket {
  rules: IdleRules;
  spentMs: number;
  /** Whoever cut told so: then its timer is just what was seen. */
  isTold: boolean;
  /** The cut was seen twice at about the same silence. */
  isConfirmed: boolean;
  /** Cuts that were no idle timer's: the same silence was survived, or longer ones. */
  chances: number;
}

/** What came of one silence. `afterMs`: when it was cut; as long as the silence where nobody told. */
export type IdleOutcome = { isCut: false } | { isCut: true; afterMs: number };

/** Near enough: the cut lies at most so many times above what was survived. */
const precision = 1.15;
/** An idle timer below this is none that a connection could live with, ms. */
const leastMs = 500;
/** So many cuts by chance, and the line is too bad to find out anything. */
const maxChances = 3;

/** A search that has not begun. */
export function beginSearch(rules: IdleRules): IdleSearch {
  return {
    rules,
    survivedMs: 0,
    cutMs: undefined,
    spentMs: 0,
    isTold: false,
    isConfirmed: false,
    chances: 0,
  };
}

/**
 * The silence to be tried next, ms; undefined when the search is over. It doubles until one is cut, then halves what lies between; a cut
 * is believed when it comes again at the end, since lines break by chance too.
 */
export function nextSilence(search: IdleSearch): number | undefined {
  const wanted = wantedSilence(search);
  if (wanted === undefined || search.chances >= maxChances) return undefined;
  return search.spentMs + wanted > search.rules.budgetMs ? undefined : wanted;
}

/** Whether the search came to its end, and was not broken off by its bounds. */
export function isComplete(search: IdleSearch): boolean {
  return wantedSilence(search) === undefined;
}

/** What is known after one more silence. */
export function noteSilence(search: IdleSearch, silenceMs: number, outcome: IdleOutcome): IdleSearch {
  const { survivedMs, cutMs, chances } = search;
  const spentMs = search.spentMs + (outcome.isCut ? Math.min(outcome.afterMs, silenceMs) : silenceMs);
  if (!outcome.isCut) {
    const wasChance = cutMs !== undefined && silenceMs >= cutMs;
    const bracket = {
      survivedMs: Math.max(survivedMs, silenceMs),
      cutMs: wasChance ? undefined : cutMs,
      isConfirmed: wasChance ? false : search.isConfirmed,
    };
    return { ...search, ...bracket, spentMs, chances: chances + (wasChance ? 1 : 0) };
  }
  const atMs = Math.min(outcome.afterMs, silenceMs);
  if (atMs <= survivedMs) return { ...search, spentMs, chances: chances + 1 };
  const isConfirmed = cutMs !== undefined && silenceMs >= cutMs;
  const isTold = atMs < silenceMs;
  return { ...search, cutMs: Math.min(cutMs ?? Infinity, atMs), spentMs, isTold, isConfirmed };
}

function wantedSilence({ rules, survivedMs, cutMs, isTold, isConfirmed }: IdleSearch): number | undefined {
  if (cutMs === undefined) {
    if (survivedMs >= rules.limitMs) return undefined;
    return Math.min(rules.limitMs, survivedMs === 0 ? rules.startMs : survivedMs * 2);
  }
  const isNear = cutMs <= survivedMs * precision || cutMs <= leastMs;
  // A little more, so that the answer does not come at the very moment of the cut.
  if (isNear)
    return isConfirmed ? undefined : Math.max(cutMs, Math.min(rules.limitMs, Math.ceil(cutMs * precision)));
  if (survivedMs === 0) return Math.floor(cutMs / 2);
  const middleMs = Math.floor((survivedMs + cutMs) / 2);
  return isTold ? Math.max(middleMs, Math.floor((cutMs / precision) * 1.02)) : middleMs;
}
