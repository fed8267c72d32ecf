/** A version of NetBackup's REST API. */
export interface ApiVersion {
  major: number;
  minor: number;
}

/** What a route answers with: JSON, or one of the two texts. */
export type AnswerKind = "json" | "plain" | "html";

/** The newest version that we answer in; a client that asks for a newer one gets 406 and tries an older. */
export const newestVersion: ApiVersion = { major: 14, minor: 0 };

/** `14.0` */
export function formatVersion({ major, minor }: ApiVersion): string {
  return `${major}.${minor}`;
}

/** The Content-Type of an answer. */
export function answerType(kind: AnswerKind, version: ApiVersion): string {
  const prefix = kind === "json" ? "application" : "text";
  return `${prefix}/vnd.netbackup+${kind};version=${formatVersion(version)}`;
}

/**
 * Chooses the version of an answer (NetBackup REST, versioning): the best that Accept names; when Accept names
 * none, the one in Content-Type, where many clients put it; else the newest. Undefined: not acceptable (406).
 */
export function negotiateAnswer(
  accept: string | undefined,
  contentType: string | undefined,
  kind: AnswerKind,
): ApiVersion | undefined {
  const fallback = versionOfContentType(contentType) ?? newestVersion;
  if (accept === undefined || accept.trim() === "") return fallback;
  const ranges = accept
    .split(",")
    .map(parseMediaType)
    .filter((range) => range.quality > 0);
  for (const range of ranges.sort((a, b) => b.quality - a.quality)) {
    const version = acceptedVersion(range, kind, fallback);
    if (version !== undefined) return version;
  }
  return undefined;
}

/** Whether a request body of this type can be read as JSON: versioned up to the newest, plain, or untold. */
export function isReadableJson(contentType: string | undefined): boolean {
  if (contentType === undefined) return true;
  const { type, version } = parseMediaType(contentType);
  if (type === "application/json") return true;
  return type === "application/vnd.netbackup+json" && (version === undefined || isKnown(version));
}

/** The boundary of a multipart body in any of the spellings that clients use; undefined when it is something else. */
export function multipartBoundary(contentType: string | undefined): string | undefined {
  const { type, version, boundary } = parseMediaType(contentType ?? "");
  const isForm = type === "multipart/form-data" || type === "multipart/vnd.netbackup+form-data";
  return isForm && (version === undefined || isKnown(version)) ? boundary : undefined;
}

interface MediaType {
  type: string;
  /** null: there is one, which can't be read. */
  version: ApiVersion | null | undefined;
  boundary: string | undefined;
  quality: number;
}

function parseMediaType(text: string): MediaType {
  const [type = "", ...rest] = text.split(";").map((part) => part.trim());
  const parameters = new Map(
    rest.map((part) => {
      const at = part.indexOf("=");
      const value = part.slice(at + 1).trim();
      return [part.slice(0, Math.max(0, at)).trim().toLowerCase(), value.replaceAll(/^"|"$/g, "")];
    }),
  );
  const version = parameters.get("version");
  const quality = Number(parameters.get("q") ?? 1);
  return {
    type: type.toLowerCase(),
    version: version === undefined ? undefined : parseVersion(version),
    boundary: parameters.get("boundary"),
    quality: Number.isNaN(quality) ? 0 : quality,
  };
}

function parseVersion(text: string): ApiVersion | null {
  const [, major, minor = "0"] = /^(\d{1,4})(?:\.(\d{1,4}))?$/.exec(text) ?? [];
  return major === undefined ? null : { major: Number(major), minor: Number(minor) };
}

function isKnown(version: ApiVersion | null): boolean {
  if (version === null || version.major < 1) return false;
  const { major, minor } = newestVersion;
  return version.major < major || (version.major === major && version.minor <= minor);
}

function versionOfContentType(contentType: string | undefined): ApiVersion | undefined {
  const { type, version } = parseMediaType(contentType ?? "");
  return type.startsWith("application/vnd.netbackup+") && version != null && isKnown(version)
    ? version
    : undefined;
}

/** Lenient on purpose: a client that accepts JSON of a version gets the ping's text as well. */
function acceptedVersion(range: MediaType, kind: AnswerKind, fallback: ApiVersion): ApiVersion | undefined {
  const anything = ["*/*", "application/*", "application/json"];
  if (kind !== "json") anything.push("text/*", "text/plain", "text/html");
  if (anything.includes(range.type)) return fallback;
  const isOurs =
    range.type === "application/vnd.netbackup+json" || range.type === `text/vnd.netbackup+${kind}`;
  if (!isOurs) return undefined;
  if (range.version === undefined) return fallback;
  return range.version !== null && isKnown(range.version) ? range.version : undefined;
}
