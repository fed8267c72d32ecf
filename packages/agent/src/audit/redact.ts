const secretName =
  /pass(?:word|wd|phrase|code)?$|secret|token|api-?key|credential|private-?key|authorization|cookie|otp$/i;
const stars = "********";

/** A body as it may be shown and kept: members whose names say that they are secret are starred, in JSON and in parts of other text. */
export function redactBody(text: string): string {
  try {
    return JSON.stringify(redactValue(JSON.parse(text)));
  } catch {
    // Not JSON as a whole; a form may hold JSON in its parts.
    return text.replaceAll(
      /("[^"\\\n]{0,60}(?:pass|secret|token|api-?key|credential|private-?key|authorization|otp)[^"\\\n]{0,60}"\s*:\s*)"(?:[^"\\]|\\.)*"/gi,
      `$1"${stars}"`,
    );
  }
}

/** A path and query as it may be shown and kept. */
export function redactUri(uri: string): string {
  const at = uri.indexOf("?");
  if (at < 0) return uri;
  const pairs = uri.slice(at + 1).split("&");
  const shown = pairs.map((pair) => {
    const [name = "", value] = pair.split("=", 2);
    return value !== undefined && secretName.test(name) ? `${name}=${stars}` : pair;
  });
  return `${uri.slice(0, at)}?${shown.join("&")}`;
}

function redactValue(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(redactValue);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [
      name,
      secretName.test(name) && member !== null && typeof member !== "object" ? stars : redactValue(member),
    ]),
  );
}
