/** A path that has one reading only, whoever reads it. */
export interface RequestPath {
  /** Decoded, without the empty ones that doubled and closing slashes make; the first is `netbackup`. */
  segments: readonly string[];
  /** As it came, without the question mark; empty when there is none. */
  query: string;
}

/** What `readRequestPath` found: the path, or why it has no clear reading. */
export type PathReading = { path: RequestPath; refusal?: undefined } | { path?: undefined; refusal: string };

/**
 * Reads a command's path as its server will: percent-encodings decoded, doubled slashes made one. Where two servers could read two things
 * (an encoded slash, an encoding of an encoding, a path parameter, a dot segment, …) it is refused, so that no rule
 * can be passed by under another spelling.
 * @param maxCharacters longer ones are refused
 */
export function readRequestPath(uri: string, maxCharacters: number): PathReading {
  if (uri.length > maxCharacters) return refused(`the path has more than ${maxCharacters} characters`);
  // Beyond visible ASCII nothing may stand unencoded in a request line; a fragment is never sent.
  if (!/^[\x21-\x7e]+$/.test(uri) || uri.includes("#"))
    return refused("the path holds characters that have to be percent-encoded");
  const at = uri.indexOf("?");
  const raw = at < 0 ? uri : uri.slice(0, at);
  if (!raw.startsWith("/")) return refused("the path has to start with /netbackup/");
  if (/%(?![0-9A-Fa-f]{2})/.test(raw)) return refused("the path is not well percent-encoded");
  if (/%2f|%5c|\\/i.test(raw)) return refused("the path holds an encoded slash or a backslash");
  const segments: string[] = [];
  for (const encoded of raw.split("/")) {
    if (encoded === "") continue;
    const segment = decode(encoded);
    if (segment === undefined) return refused("the path is not UTF-8");
    const problem = problemOf(segment);
    if (problem !== undefined) return refused(problem);
    segments.push(segment);
  }
  if (segments[0] !== "netbackup") return refused("the path has to start with /netbackup/");
  const query = at < 0 ? "" : uri.slice(at + 1);
  if (hasMethodOverride(query)) return refused("the query's _method may change what the request means");
  return { path: { segments, query } };
}

/** The path as people write it: decoded, with single slashes. */
export function textOfPath({ segments }: RequestPath): string {
  return `/${segments.join("/")}`;
}

function refused(refusal: string): PathReading {
  return { refusal };
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

function problemOf(segment: string): string | undefined {
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  if (/[\u0000-\u001f\u007f-\u009f]/.test(segment)) return "the path holds a control character";
  if (segment === "." || segment === "..") return "the path holds a dot segment";
  // Servlet containers cut what follows a semicolon off before they look for the resource.
  if (segment.includes(";")) return "the path holds a path parameter (;)";
  if (/%[0-9A-Fa-f]{2}/.test(segment)) return "the path is percent-encoded more than once";
  if (segment !== segment.trim()) return "a part of the path begins or ends with white space";
  // Characters that Unicode holds for the same as a slash or a dot; some servers fold them.
  const folded = segment.normalize("NFKC");
  if (/[/\\;]/.test(folded) || folded === "." || folded === "..")
    return "the path holds a character that may be read as a slash or a dot";
  return undefined;
}

/** Some frameworks take a POST for another method when the query says so. */
function hasMethodOverride(query: string): boolean {
  return query
    .split(/[&;]/)
    .some((pair) => (decode(pair.split("=", 1)[0] ?? "") ?? "").toLowerCase() === "_method");
}
