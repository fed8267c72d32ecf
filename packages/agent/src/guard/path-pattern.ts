/** How exactly a pattern has to match. */
export type Exactness = "exact" | "loose";

/**
 * Why a text is no path pattern; undefined when it is one. A pattern is a decoded path: `*` stands for any one segment, or once within a
 * segment for any characters; `**` as the last segment for whatever follows, also nothing.
 */
export function problemOfPattern(pattern: string): string | undefined {
  if (!pattern.startsWith("/netbackup/")) return "has to start with /netbackup/";
  if (/[?#;%\\]/.test(pattern))
    return "is written decoded, without query, and can't hold ? # ; % or a backslash";
  const segments = pattern.slice(1).split("/");
  for (const [index, segment] of segments.entries()) {
    if (segment === "") return "must not hold // or end with /";
    if (segment === "." || segment === "..") return "must not hold dot segments";
    if (segment === "**") {
      if (index !== segments.length - 1) return "may hold ** as its last part only";
    } else if (segment.split("*").length > 2) return "may hold one * in each part";
  }
  return undefined;
}

/**
 * Whether a path matches a pattern that `problemOfPattern` finds nothing wrong with. Exactly: letter by letter. Loosely: as a server that
 * cares for neither case nor Unicode's ways to write the same would compare.
 */
export function matchesPattern(pattern: string, segments: readonly string[], how: Exactness): boolean {
  const wanted = pattern.slice(1).split("/");
  const open = wanted.at(-1) === "**";
  const fixed = open ? wanted.slice(0, -1) : wanted;
  if (open ? segments.length < fixed.length : segments.length !== fixed.length) return false;
  return fixed.every((part, index) => matchesSegment(part, segments[index] ?? "", how));
}

/** A text as a server that does not care for case would compare it. */
export function fold(text: string): string {
  return text.normalize("NFKC").toLowerCase();
}

function matchesSegment(part: string, segment: string, how: Exactness): boolean {
  const [pattern, text] = how === "exact" ? [part, segment] : [fold(part), fold(segment)];
  const star = pattern.indexOf("*");
  if (star < 0) return pattern === text;
  const [before, after] = [pattern.slice(0, star), pattern.slice(star + 1)];
  return text.length >= before.length + after.length && text.startsWith(before) && text.endsWith(after);
}
