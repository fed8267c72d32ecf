const secretName =
  /pass(?:word|wd|phrase|code)?$|secret|token|api-?_?key|credential|private-?_?key|authorization|cookie|otp$/i;
const stars = "********";

/**
 * A body as it may be shown and kept: what stands under names that say that it is secret is starred, in JSON and in parts of other text. All the
 * rest stands as it came, so that whoever approves it sees what the server will: JSON that a parser would change in the reading, by
 * dropping a repeated member or rounding a number, is shown as the text that it is.
 */
export function redactBody(text: string): string {
  try {
    const value: unknown = JSON.parse(text);
    if (JSON.stringify(value) === withoutBlanks(text)) return JSON.stringify(redactValue(value, false));
  } catch {
    // Not JSON as a whole; a form may hold JSON in its parts.
  }
  return text.replaceAll(
    /("[^"\\\n]{0,60}(?:pass|secret|token|api-?_?key|credential|private-?_?key|authorization|otp)[^"\\\n]{0,60}"\s*:\s*)(?:"[^"\\]*(?:\\.[^"\\]*)*"|[^\s"{[,}\]]+)/gi,
    `$1"${stars}"`,
  );
}

/** JSON without the white space between its parts. */
function withoutBlanks(json: string): string {
  return json.replaceAll(/("[^"\\]*(?:\\.[^"\\]*)*")|\s+/g, "$1");
}

/** A path and query as it may be shown and kept. */
export function redactUri(uri: string): string {
  const at = uri.indexOf("?");
  if (at < 0) return uri;
  const shown = uri
    .slice(at + 1)
    .split("&")
    .map((pair) => {
      const equals = pair.indexOf("=");
      const name = equals < 0 ? pair : pair.slice(0, equals);
      return equals >= 0 && secretName.test(decoded(name)) ? `${name}=${stars}` : pair;
    });
  return `${uri.slice(0, at)}?${shown.join("&")}`;
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    // Not encoded well: it is taken as it stands.
    return name;
  }
}

function redactValue(value: unknown, isSecret: boolean): unknown {
  if (Array.isArray(value)) return value.map((one) => redactValue(one, isSecret));
  if (typeof value !== "object" || value === null) return isSecret && value !== null ? stars : value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [
      name,
      redactValue(member, isSecret || secretName.test(name)),
    ]),
  );
}
