const stars = "********";
const privateKeys = /-----BEGIN ([A-Z ]*PRIVATE KEY)-----.*?-----END \1-----/gs;
/** Three parts of base64url, of which the first is a JSON object. */
const webTokens = /\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,}/g;
/** In JSON, also within a string of JSON, and in headers and settings. */
const named =
  /((?:pass(?:word|wd|phrase)?|secret|token|api-?_?key|credential|private-?_?key|authorization|cookie)\\*"?\s*[:=]\s*\\*"?)(?:(?:Bearer|Basic)\s+)?(?!\*{8}|\[|\{|null|true|false|undefined)([^\s"\\,;}]{4,})/gi;

/**
 * A text for strangers' eyes, without what looks like a secret and without those that are known: a second net under programs that write none.
 * @param known secrets that may stand anywhere
 */
export function starred(text: string, known: readonly string[]): string {
  let shown = text
    .replaceAll(privateKeys, stars)
    .replaceAll(webTokens, stars)
    .replaceAll(named, `$1${stars}`);
  for (const secret of known) if (secret !== "") shown = shown.replaceAll(secret, stars);
  return shown;
}
