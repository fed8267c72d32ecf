import { hopByHopHeaders } from "@sallyport/nbwss";

/** Not for the primary: the hub's own affairs, what the primary sets itself, and codings that are not text. */
const keptFromPrimary = new Set([
  ...hopByHopHeaders,
  "host",
  "content-length",
  "cookie",
  "authorization",
  "x-netbackup-authorization",
  "sallyport-timeout",
  "accept-encoding",
  "expect",
]);

/**
 * Not for the caller: what is computed anew, and what would let a primary speak for the hub's origin, where the console
 * lives.
 */
const keptFromCaller = new Set([
  ...hopByHopHeaders,
  "content-length",
  "content-encoding",
  "set-cookie",
  "set-cookie2",
  "strict-transport-security",
  "content-security-policy",
  "content-security-policy-report-only",
  "clear-site-data",
  "service-worker-allowed",
  "alt-svc",
  "refresh",
  "nel",
  "report-to",
  "reporting-endpoints",
  "x-content-type-options",
]);

const tokenPattern = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const valuePattern = /^[\t\x20-\x7e\x80-\xff]*$/;

/** Names that NetBackup's documentation writes in capitals; a reader may compare them exactly. */
const documentedNames = new Map([
  ["content-type", "Content-Type"],
  ["accept", "Accept"],
]);

/**
 * The headers of a COMMAND REQUEST: the caller's without those of the hop and of the hub. `X-NetBackup-Authorization`
 * becomes `Authorization`.
 * @param raw `rawHeaders` of the request: name, value, name, value, …
 */
export function toCommandHeaders(raw: readonly string[]): Record<string, string> {
  const pairs: [name: string, value: string][] = [];
  for (let index = 0; index < raw.length; index += 2) pairs.push([raw[index] ?? "", raw[index + 1] ?? ""]);
  const nominated = nominatedBy(pairs.filter(([name]) => name.toLowerCase() === "connection"));
  const headers = new Map<string, [name: string, value: string]>();
  for (const [name, value] of pairs) {
    const key = name.toLowerCase();
    if (key === "x-netbackup-authorization") headers.set("authorization", ["Authorization", value]);
    if (keptFromPrimary.has(key) || nominated.has(key)) continue;
    const before = headers.get(key);
    if (before === undefined) headers.set(key, [documentedNames.get(key) ?? name, value]);
    else headers.set(key, [before[0], `${before[1]}, ${value}`]);
  }
  return Object.fromEntries(headers.values());
}

/**
 * The headers of the answer to the caller. What can't stand in HTTP (line breaks above all) is left out, as is what belongs to
 * the hop or would act on the hub's origin.
 */
export function toAnswerHeaders(answer: Readonly<Record<string, string>>): [name: string, value: string][] {
  const pairs = Object.entries(answer);
  const nominated = nominatedBy(pairs.filter(([name]) => name.toLowerCase() === "connection"));
  return pairs.filter(([name, value]) => {
    const key = name.toLowerCase();
    if (keptFromCaller.has(key) || nominated.has(key)) return false;
    if (key.startsWith("sallyport-") || key.startsWith("access-control-")) return false;
    return tokenPattern.test(name) && valuePattern.test(value);
  });
}

function nominatedBy(connectionHeaders: readonly (readonly [string, string])[]): Set<string> {
  const names = connectionHeaders.flatMap(([, value]) => value.split(","));
  return new Set(names.map((name) => name.trim().toLowerCase()));
}
