import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decide, denyUnclear } from "./decision.ts";
import { readRequest } from "./guarded-request.ts";
import { matchesPattern } from "./path-pattern.ts";
import { readRules } from "./read-rules.ts";
import { readRequestPath, textOfPath } from "./request-path.ts";

const read: [uri: string, path: string][] = [
  ["/netbackup/ping", "/netbackup/ping"],
  ["/netbackup//admin/manual-backup/", "/netbackup/admin/manual-backup"],
  ["/netbackup/%63atalog/images", "/netbackup/catalog/images"],
  ["/netbackup/config/policies/Gold%20Plan", "/netbackup/config/policies/Gold Plan"],
  ["/netbackup/config/policies/%C3%BC", "/netbackup/config/policies/ü"],
  ["/netbackup/admin/jobs?filter=a%2Fb;%2e%2e", "/netbackup/admin/jobs"],
  ["/netbackup/config/policies/a..b", "/netbackup/config/policies/a..b"],
];
for (const [uri, path] of read) {
  test(`request path - reads ${uri} as ${path}`, () => {
    const found = readRequestPath(uri, 8192).path;
    assert.equal(found === undefined ? undefined : textOfPath(found), path);
  });
}

const unclear: [uri: string, why: RegExp][] = [
  ["/other", /start with \/netbackup/],
  ["/Netbackup/ping", /start with \/netbackup/],
  ["https://evil.example/netbackup/ping", /start with \/netbackup/],
  ["//evil.example/netbackup/ping", /start with \/netbackup/],
  ["/netbackup/catalog%2Fimages", /encoded slash/],
  ["/netbackup/catalog%5cimages", /encoded slash or a backslash/],
  ["/netbackup/a\\b", /backslash/],
  ["/netbackup/%2e%2e/x", /dot segment/],
  ["/netbackup/./x", /dot segment/],
  ["/netbackup/..;x/y", /path parameter/],
  ["/netbackup/catalog;x=1/images", /path parameter/],
  ["/netbackup/catalog%3Bx/images", /path parameter/],
  ["/netbackup/%2563atalog/images", /more than once/],
  ["/netbackup/a%zz", /not well percent-encoded/],
  ["/netbackup/a%", /not well percent-encoded/],
  ["/netbackup/%c3%28", /not UTF-8/],
  ["/netbackup/a%00", /control character/],
  ["/netbackup/a%0d%0a", /control character/],
  ["/netbackup/a%20/b", /white space/],
  ["/netbackup/a%EF%BC%8Fb", /read as a slash/],
  ["/netbackup/%EF%BC%8E%EF%BC%8E/b", /slash or a dot/],
  ["/netbackup/a b", /have to be percent-encoded/],
  ["/netbackup/x#y", /have to be percent-encoded/],
  ["/netbackup/admin/jobs?_method=DELETE", /_method/],
  ["/netbackup/admin/jobs?a=1&%5Fmethod=DELETE", /_method/],
  [`/netbackup/${"x".repeat(8192)}`, /more than 8192/],
];
for (const [uri, why] of unclear) {
  test(`request path - refuses ${uri.slice(0, 60)}`, () => {
    assert.match(readRequestPath(uri, 8192).refusal ?? "it was read", why);
  });
}

/** How servers are known to read a path; each throws or gives undefined for what it would refuse itself. */
const servers: Readonly<Record<string, (path: string) => string[] | undefined>> = {
  "decodes, then splits": (path) => clean(resolveDots(decodeURIComponent(path).split("/"))),
  "splits, then decodes": (path) => clean(resolveDots(path.split("/").map(decodeURIComponent))),
  "decodes twice": (path) => clean(resolveDots(decodeURIComponent(decodeURIComponent(path)).split("/"))),
  "cuts path parameters off, then decodes": (path) =>
    clean(
      resolveDots(
        path
          .replaceAll(/;[^/]*/g, "")
          .split("/")
          .map(decodeURIComponent),
      ),
    ),
  "decodes, then cuts path parameters off": (path) =>
    clean(
      resolveDots(
        decodeURIComponent(path)
          .replaceAll(/;[^/]*/g, "")
          .split("/"),
      ),
    ),
  "takes backslashes for slashes": (path) =>
    clean(resolveDots(decodeURIComponent(path).replaceAll("\\", "/").split("/"))),
  "does not care for case": (path) => clean(resolveDots(decodeURIComponent(path).toLowerCase().split("/"))),
  "folds Unicode": (path) =>
    clean(resolveDots(decodeURIComponent(path).normalize("NFKC").toLowerCase().split("/"))),
  "trims parts": (path) =>
    clean(
      resolveDots(
        decodeURIComponent(path)
          .split("/")
          .map((part) => part.trim()),
      ),
    ),
  "is a WHATWG URL": (path) =>
    clean(new URL(path, "https://nbu").pathname.split("/").map(decodeURIComponent)),
};

function clean(segments: string[]): string[] {
  return segments.filter((segment) => segment !== "");
}

function resolveDots(segments: string[]): string[] {
  const kept: string[] = [];
  for (const segment of segments) {
    if (segment === "..") kept.pop();
    else if (segment !== ".") kept.push(segment);
  }
  return kept;
}

/** Spellings of the pieces of a forbidden path, and what joins them. */
const spelling = (text: string) =>
  fc.array(fc.nat(5), { minLength: text.length, maxLength: text.length }).map((how) =>
    Array.from(text, (char, index) => {
      const hex = char.codePointAt(0)?.toString(16) ?? "";
      if (how[index] === 1) return `%${hex}`;
      if (how[index] === 2) return `%25${hex}`;
      if (how[index] === 3) return char.toUpperCase();
      if (how[index] === 4)
        return encodeURIComponent(String.fromCodePoint((char.codePointAt(0) ?? 0) + 0xfee0));
      return char;
    }).join(""),
  );
const joint = fc.constantFrom(
  "/",
  "//",
  "/./",
  "/x/../",
  "/%2e/",
  "/x/%2e%2e/",
  "%2f",
  "%252f",
  "\\",
  "%5c",
  "/;x/",
  ";a=b/",
  "/..;/",
  "%3b/",
  "%20/",
  "/%09",
  "%00/",
  "%EF%BC%8F",
);
const tail = fc.constantFrom("", "/", "//", ";x", "%20", "?a=b", "/.", "%00", "/x/..");
const hostilePath = fc
  .tuple(joint, spelling("catalog"), joint, spelling("images"), joint, spelling("x1"), tail)
  .map((parts) => `/netbackup${parts.join("")}`);

const rules = readRules(
  {
    name: "test",
    text: JSON.stringify({
      version: 1,
      defaults: false,
      otherwise: "allow",
      rules: [{ name: "no-expiry", action: "deny", paths: ["/netbackup/catalog/**"] }],
    }),
  },
  false,
);
const allowing = readRules(
  {
    name: "test",
    text: JSON.stringify({
      version: 1,
      defaults: false,
      otherwise: "deny",
      rules: [{ name: "one-image", action: "allow", paths: ["/netbackup/catalog/images/x1"] }],
    }),
  },
  false,
);

function decideOn(uri: string, by: typeof rules) {
  const { request, refusal } = readRequest({ uri, method: "DELETE", headers: {} }, "g", 8192);
  return request === undefined ? denyUnclear(refusal) : decide(by, request, 0);
}

/** What a server of this kind would look up; undefined when it refuses the path. */
function readingOf(server: string, uri: string): string[] | undefined {
  try {
    return servers[server]?.(uri.split("?", 1)[0] ?? "");
  } catch {
    return undefined;
  }
}

test("request path - no spelling of a denied path is allowed where any known kind of server would find it", () => {
  let allowed = 0;
  let denied = 0;
  fc.assert(
    fc.property(hostilePath, (uri) => {
      if (decideOn(uri, rules).action !== "allow") {
        denied += 1;
        return;
      }
      allowed += 1;
      for (const server of Object.keys(servers)) {
        const reading = readingOf(server, uri) ?? [];
        assert.ok(!matchesPattern("/netbackup/catalog/**", reading, "exact"), `${uri} ${server}`);
      }
    }),
    { numRuns: 5_000 },
  );
  // Else the property would hold for a guard that denies all, or for inputs that nobody would deny.
  assert.ok(denied > 1_000, `denied ${denied}, allowed ${allowed}`);
});

test("request path - what is allowed by name is read as that name by every known kind of server", () => {
  let allowed = 0;
  const plain = fc
    .tuple(
      fc.constantFrom("/", "//"),
      fc.constantFrom("catalog", "%63atalog", "Catalog"),
      fc.constantFrom("images", "im%61ges"),
      tail,
    )
    .map(([slash, catalog, images, end]) => `/netbackup${slash}${catalog}/${images}/x1${end}`);
  fc.assert(
    fc.property(fc.oneof(hostilePath, plain), (uri) => {
      if (decideOn(uri, allowing).action !== "allow") return;
      allowed += 1;
      for (const server of Object.keys(servers)) {
        const reading = readingOf(server, uri);
        if (reading !== undefined)
          assert.deepEqual(reading, ["netbackup", "catalog", "images", "x1"], `${uri} ${server}`);
      }
    }),
    { numRuns: 5_000 },
  );
  assert.ok(allowed > 100, `allowed ${allowed}`);
});

test("request path - never throws, and gives a path that starts with netbackup or a reason", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: "binary" }), hostilePath), (uri) => {
      const { path, refusal } = readRequestPath(uri, 8192);
      assert.notEqual(path === undefined, refusal === undefined);
      if (path !== undefined) assert.equal(path.segments[0], "netbackup");
    }),
  );
});
