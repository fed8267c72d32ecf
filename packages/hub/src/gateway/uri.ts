import { HubError } from "../errors.ts";

/** What the gateway reads from a request's target. */
export interface GatewayTarget {
  primaryId: string;
  /** Path and query for the primary, byte for byte as they came. */
  uri: string;
  /** The same without the query, for the log. */
  path: string;
}

const pattern = /^\/api\/v1\/primaries\/([A-Za-z0-9-]{1,64})(\/netbackup\/.*)$/s;

/** What nearly all targets are, without anything that the checks below look for. */
const surelyPlain = /^[A-Za-z0-9/_~-]+(?:\?[A-Za-z0-9/_~.&=,-]*)?$/;

/** The gateway's part of a request's raw target; undefined when it is none of the gateway's. Nothing is decoded. */
export function parseTarget(url: string): GatewayTarget | undefined {
  const [, primaryId, uri] = pattern.exec(url) ?? [];
  if (primaryId === undefined || uri === undefined) return undefined;
  return { primaryId, uri, path: uri.split("?", 1)[0] ?? uri };
}

/**
 * Refuses a target that a server might read as something outside `/netbackup/`, or that can't be copied as it is: dot segments
 * (also percent-encoded, once or more often, and with a path parameter as in `..;x`), backslashes, control bytes,
 * fragments, bytes outside ASCII.
 * @throws HubError `bad_request`
 */
export function requireNormalised({ uri, path }: GatewayTarget): void {
  if (surelyPlain.test(uri)) return;
  if (!/^[\x21-\x7e]+$/.test(uri) || uri.includes("#")) {
    throw new HubError(
      "bad_request",
      "the path and query have to be percent-encoded ASCII, without a fragment",
    );
  }
  let text = path;
  for (let round = 0; round < 4; round += 1) {
    requirePlain(text);
    const decoded = decode(text, round);
    if (decoded === text) return;
    text = decoded;
  }
  throw new HubError("bad_request", "the path is percent-encoded too often");
}

function requirePlain(path: string): void {
  // oxlint-disable-next-line no-control-regex -- control bytes are what is looked for
  if (/[\\\u0000-\u001f\u007f]/.test(path)) {
    throw new HubError("bad_request", "the path must not hold backslashes or control bytes, encoded or not");
  }
  const segments = path.split("/").map((segment) => segment.split(";", 1)[0]);
  if (segments.some((segment) => segment === "." || segment === "..")) {
    throw new HubError("bad_request", "the path must not hold dot segments, encoded or not");
  }
}

function decode(text: string, round: number): string {
  try {
    return decodeURIComponent(text);
  } catch (cause) {
    // A percent sign that was itself encoded is just text from the second round on.
    if (round > 0) return text;
    throw new HubError("bad_request", "the path is not well percent-encoded", { cause });
  }
}
