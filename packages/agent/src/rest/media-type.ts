/** NetBackup's media type of the newest API version that administration answers in. */
const newest = 14;
const name = "application/vnd.netbackup+json";

/** The Content-Type of an answer: the version that was asked for, the newest when none was; undefined: not acceptable (406). */
export function answerTypeFor(accept: string | undefined): string | undefined {
  if (accept === undefined || accept.trim() === "") return `${name};version=${newest}.0`;
  for (const range of accept.split(",")) {
    const [type = ""] = range.split(";", 1);
    const plain = ["*/*", "application/*", "application/json"].includes(type.trim().toLowerCase());
    const major = plain ? newest : majorOf(range);
    if (major !== undefined) return `${name};version=${major}.0`;
  }
  return undefined;
}

/** Whether a request body of this type can be read: JSON, NetBackup's or plain, or untold. */
export function isReadable(contentType: string | undefined): boolean {
  if (contentType === undefined) return true;
  const [type = ""] = contentType.split(";", 1);
  return type.trim().toLowerCase() === "application/json" || majorOf(contentType) !== undefined;
}

/** The major version that a NetBackup media type names, the newest when it names none; undefined when it is another type or newer. */
function majorOf(text: string): number | undefined {
  const [type = "", ...parameters] = text.split(";").map((part) => part.trim().toLowerCase());
  if (type !== name) return undefined;
  const version = parameters.find((part) => part.startsWith("version="));
  if (version === undefined) return newest;
  const [, major] = /^version="?(\d{1,3})(?:\.\d{1,3})?"?$/.exec(version) ?? [];
  const number = Number(major);
  return number >= 1 && number <= newest ? number : undefined;
}
