/**
 * The paths that a run of `restic restore` says it could not restore wholly; undefined when its words don't tell all of
 * them, or when the destination is full. Where a name makes the words ambiguous each path that they may mean is told.
 * @param errorLines its last lines on standard error
 */
export function failedPaths(errorLines: readonly string[]): string[] | undefined {
  const paths = new Set<string>();
  let [told, announced] = [0, undefined as number | undefined];
  for (const line of errorLines) {
    const [, count] = /^Fatal: There were (\d+) errors$/.exec(line) ?? [];
    if (count !== undefined) announced = Number(count);
    const [, words] = /^ignoring error for (\/.*)$/.exec(line) ?? [];
    if (words !== undefined) {
      told += 1;
      for (let at = words.indexOf(": "); at !== -1; at = words.indexOf(": ", at + 1))
        paths.add(words.slice(0, at));
    } else if (count === undefined && !/^Load\(.*\) returned error, retrying after /.test(line))
      return undefined;
    // A name that is no UTF-8, of which the bytes are not known here.
    if (words?.includes("\uFFFD") === true || /no space left on device|quota exceeded/i.test(line))
      return undefined;
  }
  // Lines may have been dropped, and names may have newlines.
  return told === announced ? [...paths] : undefined;
}
