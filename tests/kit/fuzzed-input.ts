import fc from "fast-check";

const uuid = fc.uuid();
const odd = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.constantFrom(
    "",
    "\u0000",
    "\ud800",
    "__proto__",
    "'; DROP TABLE events; --",
    "../../etc/passwd",
    -0,
    1e308,
    null,
  ),
  fc.string({ unit: "binary", maxLength: 200 }),
);
const member = fc.oneof(
  fc.constantFrom(
    "version",
    "id",
    "type",
    "subType",
    "timeStamp",
    "payload",
    "__proto__",
    "constructor",
    "toString",
  ),
  fc.string({ maxLength: 12 }),
);
const item = fc
  .record(
    {
      jobId: odd,
      parentJobId: odd,
      jobType: odd,
      state: fc.oneof(fc.constantFrom("QUEUED", "ACTIVE", "DONE", "done", "", "NO_SUCH"), odd),
      status: odd,
      policyName: odd,
      clientName: odd,
      backupId: odd,
      operationId: odd,
      startTime: odd,
      backupTime: odd,
    },
    { requiredKeys: [] },
  )
  .chain((known) => fc.dictionary(member, odd, { maxKeys: 3 }).map((more) => ({ ...more, ...known })));
const entry = fc.record({
  notificationType: fc.constantFrom("INFO", "", "info", "\u0007"),
  object: fc.oneof(
    fc.constantFrom("JOB", "IMAGE", "job", "", "OTHER"),
    fc.string({ unit: "binary", maxLength: 40 }),
  ),
  data: fc.array(item, { maxLength: 4 }),
});

function message(type: string, subType: string, payload: fc.Arbitrary<unknown>) {
  return fc.record({
    version: fc.constant("1.0"),
    id: uuid,
    type: fc.constant(type),
    subType: fc.constant(subType),
    timeStamp: fc.nat(),
    payload,
  });
}

/** Messages that NBWSS allows a primary once it has proved itself, with whatever in them: the connection stays. */
export const allowedMessages: fc.Arbitrary<string> = fc
  .oneof(
    { weight: 3, arbitrary: message("NOTIFICATION", "REQUEST", fc.array(entry, { maxLength: 3 })) },
    {
      weight: 2,
      arbitrary: message(
        "COMMAND",
        "RESPONSE",
        fc.dictionary(member, odd, { maxKeys: 5, noNullPrototype: true }),
      ),
    },
  )
  .map((value) => JSON.stringify(value));

/** Messages that end the connection, or should: mutilated JSON, wrong members, raw noise. */
export const badMessages: fc.Arbitrary<string | Buffer> = fc.oneof(
  fc.string({ unit: "binary", maxLength: 300 }),
  fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  fc.jsonValue({ maxDepth: 4 }).map((value) => JSON.stringify(value)),
  fc.dictionary(member, odd, { maxKeys: 8, noNullPrototype: true }).map((value) => JSON.stringify(value)),
  fc
    .tuple(allowedMessages, fc.nat(), fc.string({ unit: "binary", maxLength: 3 }))
    .map(([text, at, inserted]) => {
      const cut = at % Math.max(1, text.length);
      return text.slice(0, cut) + inserted + text.slice(cut + (at % 4));
    }),
  fc
    .tuple(fc.constantFrom("[", '{"a":', '"'), fc.nat({ max: 3_000 }))
    .map(([text, times]) => text.repeat(times)),
);

const frameHead = fc.oneof(
  fc.constantFrom(
    '{"status":200,"headers":{}}',
    '{"status":200,"headers":{},"length":3}',
    "{",
    "[]",
    '{"status":0}',
  ),
  fc.jsonValue({ maxDepth: 3 }).map((value) => JSON.stringify(value)),
);

/** Binary messages of `sallyport.v1`, right, about the wrong stream, and mutilated. */
export const oddFrames: fc.Arbitrary<Buffer> = fc
  .tuple(
    fc.constantFrom(1, 2, 2, 2, 3, 3, 4, 5, 6, 255),
    fc.constantFrom(0, 0, 1, 1, 2, 255),
    fc.constantFrom(1, 1, 1, 1, 2, 0, 2 ** 48 - 1),
    fc.oneof(
      fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
      fc
        .tuple(frameHead, fc.integer({ min: -2, max: 2 }), fc.uint8Array({ maxLength: 20 }))
        .map(([head, off, body]) => {
          const length = Buffer.alloc(4);
          length.writeInt32BE(Math.max(0, Buffer.byteLength(head) + (off === 1 ? 1 : 0)));
          return Buffer.concat([length, Buffer.from(head), body]);
        }),
      fc.nat({ max: 70_000 }).map((size) => Buffer.alloc(size)),
    ),
  )
  .map(([type, flags, stream, rest]) => {
    const header = Buffer.from([type, flags, 0, 0, 0, 0, 0, 0]);
    header.writeUIntBE(stream, 2, 6);
    return Buffer.concat([header, rest]);
  });

const target = fc.oneof(
  fc.constantFrom(
    "/",
    "/api/v1/primaries",
    "/api/v1/primaries/x",
    "/api/v1/primaries/x/netbackup/ping",
    "/api/v1/notifications?after=",
    "/api/v1/session",
    "/api/v1/endpoint-details/",
    "/api/v1/jobs?limit=",
    "/api/v1/images?sort=",
    "/api/v1/webhooks",
    "/api/v1/users",
    "/api/v1/api-keys",
    "/api/v1/audit?since=",
    "/api/v1/commands/",
    "/openapi.json",
    "/metrics",
    "/nbwss",
    "*",
    "http://elsewhere.example/",
  ),
  fc.string({ unit: "grapheme-ascii", maxLength: 60 }).map((text) => `/${text.replaceAll(/\s/g, "+")}`),
);
const query = fc.oneof(
  fc.constant(""),
  fc.string({ unit: "grapheme-ascii", maxLength: 40 }).map((text) => encodeURIComponent(text)),
  fc.constantFrom("-1", "99999999999999999999", "%00", "%ff", "a&b=c&a=d", "NaN", "e30", "[]", "1'"),
);
const headerValue = fc
  .string({ unit: "grapheme-ascii", maxLength: 60 })
  .map((text) => text.replaceAll(/[\r\n]/g, " "));
const header = fc.tuple(
  fc.constantFrom(
    "Accept",
    "Content-Type",
    "Cookie",
    "Origin",
    "Prefer",
    "Idempotency-Key",
    "Sallyport-Timeout",
    "X-NetBackup-Authorization",
    "X-Forwarded-For",
    "Last-Event-ID",
    "If-Match",
    "traceparent",
    "Range",
  ),
  fc.oneof(headerValue, fc.constantFrom("application/json", "respond-async", "1", "-1", "x".repeat(2_000))),
);

/** An HTTP request that is well formed as HTTP and nothing beyond. */
export interface FuzzedRequest {
  method: string;
  target: string;
  headers: [name: string, value: string][];
  body: string;
}

/** Requests to any route, with whatever as query, headers and body. */
export const requests: fc.Arbitrary<FuzzedRequest> = fc.record({
  method: fc.constantFrom("GET", "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"),
  target: fc.tuple(target, query).map(([path, more]) => path + more),
  headers: fc.array(header, { maxLength: 4 }),
  body: fc.oneof(
    fc.constant(""),
    fc.constantFrom(
      "{",
      "null",
      "[]",
      '{"name":null}',
      '{"__proto__":{"name":"x"}}',
      '{"url":"https://169.254.169.254/"}',
    ),
    fc.jsonValue({ maxDepth: 3 }).map((value) => JSON.stringify(value)),
    fc
      .dictionary(fc.constantFrom("name", "labels", "role", "scope", "url", "types", "password", "user"), odd)
      .map((value) => JSON.stringify(value)),
  ),
});

/** What is not even HTTP. */
export const rawNoise: fc.Arbitrary<Buffer> = fc.oneof(
  fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.from(bytes)),
  fc.tuple(requests, fc.nat()).map(([{ method, target: path }, at]) => {
    const text = `${method} ${path} HTTP/1.1\r\nHost: h\r\nContent-Length: ${at}\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n`;
    return Buffer.from(text.slice(0, at % (text.length + 1)) || "\r\n");
  }),
);
