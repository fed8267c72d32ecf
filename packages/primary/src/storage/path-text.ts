import { isUtf8 } from "node:buffer";

/**
 * Linux takes any bytes for names; JSON takes text. A path is therefore written as its UTF-8 text, and a byte that is
 * none as U+FFFD (what most programs show in its place) with the byte's two hexadecimal digits after it: `caf\uFFFDe9`. A
 * U+FFFD that a name really has is written so as well, byte by byte. Every path has exactly one text, and names in
 * UTF-8 are written as they are.
 */
const mark = "\uFFFD";
const escaped = /\uFFFD([0-9a-f]{2})/;

/** Writes a path as text. */
export function pathText(path: Buffer): string {
  if (isUtf8(path) && !path.includes(mark)) return path.toString();
  const parts: string[] = [];
  for (let at = 0; at < path.length;) {
    const character = characterAt(path, at);
    if (character === undefined || character === mark) {
      const bytes = path.subarray(at, at + (character === undefined ? 1 : 3));
      parts.push(...[...bytes].map((byte) => mark + byte.toString(16)));
      at += bytes.length;
    } else {
      parts.push(character);
      at += Buffer.byteLength(character);
    }
  }
  return parts.join("");
}

/** Reads a path's text; one that has passed `pathTextProblem`. */
export function pathBytes(text: string): Buffer {
  if (!text.includes(mark)) return Buffer.from(text);
  return Buffer.concat(
    text.split(escaped).map((part, index) => Buffer.from(part, index % 2 === 1 ? "hex" : "utf8")),
  );
}

/** Whether a path can only be written with escapes. */
export function isOdd(text: string): boolean {
  return text.includes(mark);
}

/** Why a text is none that a path is written as; undefined when it is. */
export function pathTextProblem(text: string): string | undefined {
  if (!text.isWellFormed()) return "must be well-formed Unicode";
  if (!isOdd(text) || pathText(pathBytes(text)) === text) return undefined;
  return "must have U+FFFD only as an image's contents do: before the two hexadecimal digits of a byte that is no UTF-8";
}

/** Writes a path as a pattern of restic that matches this path, and of others only those that differ in a byte that is no UTF-8. */
export function pathPattern(text: string): string {
  return text.replaceAll(/\uFFFDef\uFFFDbf\uFFFDbd|\uFFFD[0-9a-f]{2}|[\\*?[\]]/g, (found) => {
    if (found.startsWith(mark)) return found.length > 3 ? mark : "?";
    return `\\${found}`;
  });
}

/** The valid character at a place; undefined when there is none, and one byte has to be passed over. */
function characterAt(bytes: Buffer, at: number): string | undefined {
  const lead = bytes[at] ?? 0;
  const length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  const sequence = bytes.subarray(at, at + length);
  return sequence.length === length && isUtf8(sequence) ? sequence.toString() : undefined;
}
