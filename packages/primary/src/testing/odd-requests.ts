import fc from "fast-check";

/** A request that is well formed as HTTP and nothing beyond; BACKUP and JOB in its path stand for what there is. */
export interface OddRequest {
  method: string;
  /** Below `/netbackup`, with the query. */
  path: string;
  headers: readonly (readonly [name: string, value: string])[];
  body: string;
}

const routes = [
  "/ping",
  "/tokenkey",
  "/security/cacert",
  "/admin/jobs",
  "/admin/jobs/JOB",
  "/admin/jobs/JOB/try-logs",
  "/admin/jobs/JOB/try-logs/1",
  "/admin/jobs/JOB/progress-logs",
  "/admin/jobs/JOB/file-lists",
  "/admin/jobs/JOB/cancel",
  "/admin/jobs/JOB/suspend",
  "/admin/jobs/JOB/restart",
  "/admin/jobs-count-requests",
  "/admin/bulk-job-requests",
  "/admin/manual-backup",
  "/catalog/images",
  "/catalog/images/BACKUP",
  "/catalog/images/contents/x",
  "/catalog/image-contents",
  "/catalog/image-contents-size",
  "/catalog/images/update-expiration-date",
  "/catalog/expire-images",
  "/config/policies",
  "/config/policies/base",
  "/config/policies/base/copy",
  "/config/policies/base/clients/x",
  "/config/policies/base/schedules/full",
  "/config/policies/base/backupselections",
  "/config/unique-policy-clients",
  "/config/hosts",
  "/manage/alerts",
  "/security/auditlogs",
  "/security/api-keys",
  "/storage/storage-units",
  "/licensing/capacity",
  "/user-sessions",
  "/authorization-context",
  "/recovery/workloads/physical/scenarios/granular-files-folders/recover",
  "/recovery/restore-log/JOB",
];
const ascii = (maxLength: number) => fc.string({ unit: "grapheme-ascii", maxLength });
const segment = fc.oneof(
  ascii(20).map(encodeURIComponent),
  fc.string({ unit: "binary", maxLength: 12 }).map((text) => encodeURIComponent(text.toWellFormed())),
  fc.constantFrom(
    "..",
    "%2e%2e",
    "%2F",
    "%00",
    "%ff",
    "%",
    "9".repeat(40),
    "-1",
    "x".repeat(3000),
    "__proto__",
    "constructor",
  ),
);
const path = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...routes) },
  {
    weight: 1,
    arbitrary: fc.tuple(fc.constantFrom(...routes), segment).map(([route, more]) => `${route}/${more}`),
  },
  { weight: 1, arbitrary: fc.array(segment, { maxLength: 4 }).map((parts) => `/${parts.join("/")}`) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(...routes).map((route) => `//${route.slice(1).replaceAll("/", "//")}/`),
  },
);
const queryValue = fc.oneof(
  ascii(30).map(encodeURIComponent),
  fc.constantFrom(
    "",
    "-1",
    "99999999999999999999",
    "%00",
    "%ff",
    "%",
    "NaN",
    "e30",
    "[]",
    "1'",
    "true",
    "x".repeat(4000),
  ),
);
const query = fc
  .array(
    fc.tuple(
      fc.constantFrom(
        "filter",
        "sort",
        "page[limit]",
        "page%5Boffset%5D",
        "page[after]",
        "page[before]",
        "page[disable]",
        "include",
        "meta",
        "__proto__",
      ),
      queryValue,
    ),
    { maxLength: 4 },
  )
  // The same name may come twice.
  .map((pairs) =>
    pairs.length === 0 ? "" : `?${pairs.map(([name, value]) => `${name}=${value}`).join("&")}`,
  );
const header = fc.tuple(
  fc.constantFrom(
    "accept",
    "content-type",
    "authorization",
    "cookie",
    "if-match",
    "x-netbackup-audit-reason",
    "x-netbackup-policy-use-generic-schema",
    "x-request-id",
    "expect-ct",
    "range",
    "accept-encoding",
    "x-http-method-override",
  ),
  fc.oneof(
    ascii(60).map((text) => text.replaceAll(/[\r\n]/g, " ")),
    fc.constantFrom(
      "*/*",
      "application/json",
      "application/vnd.netbackup+json;version=14.0",
      "application/vnd.netbackup+json; version=2.0;charset=UTF-8",
      "application/vnd.netbackup+json;version=99999999999999999999",
      "text/html, application/xhtml+xml, */*;q=0.1",
      "multipart/form-data",
      "multipart/form-data; boundary=x",
      'multipart/vnd.netbackup+form-data;version=5.0;boundary="x"',
      "text/plain",
      "%",
      ";;;=",
      "Bearer",
      "Authorization=",
    ),
  ),
);
const rawBody = fc.oneof(
  { weight: 2, arbitrary: fc.constant("") },
  fc.constantFrom(
    "{",
    "null",
    "[]",
    "{}",
    '{"data":null}',
    '{"data":[]}',
    '{"__proto__":{"x":1}}',
    "--x\r\n\r\n--x--",
    "1e999",
  ),
  fc.jsonValue({ maxDepth: 4 }).map((value) => JSON.stringify(value)),
  ascii(200),
);

/** Requests to any route, with whatever as path, query, headers and body. */
export const oddRequests: fc.Arbitrary<OddRequest> = fc.record({
  method: fc.constantFrom("GET", "GET", "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"),
  path: fc.tuple(path, query).map(([where, asked]) => where + asked),
  headers: fc.array(header, { maxLength: 3 }),
  body: rawBody,
});

/** What may stand where a filter, an order or a cursor belongs. */
export const oddFilters: fc.Arbitrary<string> = fc.oneof(
  ascii(60),
  fc.string({ unit: "binary", maxLength: 40 }).map((text) => text.toWellFormed()),
  fc
    .array(
      fc.constantFrom(
        "jobId",
        "clientName",
        "policyName",
        "backupTime",
        "eq",
        "ne",
        "and",
        "or",
        "not",
        "(",
        ")",
        ",",
        "'",
        "'x'",
        "''",
        "1",
        "contains(",
        "tolower(",
        "policyTypes/any(",
        "p:p",
        "2026-01-01T00:00:00Z",
        "PT5M",
        "--",
        ";",
        "%",
        "\0",
        "' OR 1=1 --",
        "json_each",
        "-",
      ),
      { maxLength: 12 },
    )
    .map((parts) => parts.join(" ")),
);

/** Paths that somebody could want restored, or restored to. */
export const oddPaths: fc.Arbitrary<string> = fc.oneof(
  fc
    .array(
      fc.oneof(
        ascii(8),
        fc.constantFrom("..", ".", "*", "-x", "--target=", "a\nb", "\0", "\\", "'", "%2e", "\ud800"),
      ),
      {
        minLength: 1,
        maxLength: 4,
      },
    )
    .map((parts) => `/${parts.join("/")}`),
  ascii(20),
  fc.constantFrom(
    "/",
    "//",
    "",
    "--",
    "--include=/etc",
    "/etc/passwd",
    `/${"x/".repeat(2500)}`,
    `/${"x".repeat(300)}`,
  ),
);
