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
  if (isOwnAdministration(path))
    return "what is below /netbackup/sallyport/ is for the administrator on premises";
  return undefined;
}

/** Whether a server that decodes the path would find our own administration there. */
function isOwnAdministration(path: string): boolean {
  let decoded = path;
  // More rounds than any server decodes.
  for (let round = 0; round < 3; round += 1) decoded = decoded.replaceAll(/%([0-7][0-9a-f])/gi, decodeByte);
  const [, second] = decoded.split("/").filter((segment) => segment !== "");
  return second?.toLowerCase() === "sallyport";
}

function decodeByte(_match: string, hex: string): string {
  return String.fromCodePoint(Number.parseInt(hex, 16));
}
