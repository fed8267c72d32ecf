/**
 * Whether a command's path and query may be sent to the upstream as they are: below `/netbackup/`, on no other
 * host, and with no trick that another reader could take for another path.
 * @returns why not; undefined when they may
 */
export function refusalOfPath(uri: string): string | undefined {
  if (!uri.startsWith("/netbackup/")) return "the path has to start with /netbackup/";
  // Beyond visible ASCII nothing may stand unencoded in a request line; a fragment is never sent.
  if (!/^[\x21-\x7e]+$/.test(uri) || uri.includes("#"))
    return "the path holds characters that have to be percent-encoded";
  const [path = ""] = uri.split("?", 1);
  if (path.includes("\\") || /%5c|%00/i.test(path)) return "the path holds a backslash or a NUL";
  const segments = path.replaceAll(/%2e/gi, ".").split(/\/|%2f/i);
  if (segments.some((segment) => segment === "." || segment === "..")) return "the path holds a dot segment";
  return undefined;
}
