import assert from "node:assert/strict";
import { test } from "node:test";
import { toAnswerHeaders, toCommandHeaders } from "./headers.ts";

test("command headers - carry what is the caller's, and nothing of the hop or of the hub", () => {
  const raw = [
    ["host", "hub"],
    ["Connection", "keep-alive, X-Hop"],
    ["X-Hop", "1"],
    ["Keep-Alive", "timeout=5"],
    ["TE", "trailers"],
    ["Transfer-Encoding", "chunked"],
    ["Upgrade", "h2c"],
    ["Proxy-Authorization", "secret"],
    ["Content-Length", "3"],
    ["Cookie", "secret"],
    ["Authorization", "Bearer hub-key"],
    ["Accept-Encoding", "gzip"],
    ["Sallyport-Timeout", "5"],
    ["x-netbackup-authorization", "jwt"],
    ["content-type", "application/vnd.netbackup+json;version=12.0"],
    ["X-NetBackup-Audit-Reason", "a"],
    ["x-netbackup-audit-reason", "b"],
    ["__proto__", "c"],
  ];
  const headers = toCommandHeaders(raw.flat());
  assert.deepEqual(Object.entries(headers), [
    ["Authorization", "jwt"],
    ["Content-Type", "application/vnd.netbackup+json;version=12.0"],
    ["X-NetBackup-Audit-Reason", "a, b"],
    ["__proto__", "c"],
  ]);
});

test("answer headers - leave out what can't stand in HTTP and what would act on the hub's origin", () => {
  const kept = { "content-type": "application/json", "x-a": "ü", etag: '"1"', location: "/netbackup/x" };
  const answer = {
    ...kept,
    connection: "close, x-hop",
    "x-hop": "1",
    "transfer-encoding": "chunked",
    "content-length": "1",
    "content-encoding": "gzip",
    "set-cookie": "a=b",
    "sallyport-error": "lost",
    "access-control-allow-origin": "*",
    "x-split": "a\r\nset-cookie: a=b",
    "x-nul": "a\0",
    "x-wide": "\u4e2d",
    "bad name": "a",
    "bad\r\nname": "a",
    "": "a",
  };
  assert.deepEqual(Object.fromEntries(toAnswerHeaders(answer)), kept);
});
