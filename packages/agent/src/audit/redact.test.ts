import assert from "node:assert/strict";
import { test } from "node:test";
import { redactBody, redactUri } from "./redact.ts";

const uris: [uri: string, shown: string][] = [
  ["/netbackup/ping", "/netbackup/ping"],
  ["/netbackup/x?a=1&token=SECRET&apiKey=SECRET", "/netbackup/x?a=1&token=********&apiKey=********"],
  ["/netbackup/x?user%50assword=SECRET&b=2", "/netbackup/x?user%50assword=********&b=2"],
  ["/netbackup/x?token=a=SECRET", "/netbackup/x?token=********"],
];
for (const [uri, shown] of uris) {
  test(`redaction - shows ${uri} as ${shown}`, () => assert.equal(redactUri(uri), shown));
}

test("redaction - stars secrets in JSON, in parts of a form, and in what is not quite JSON", () => {
  const bodies = [
    '{"password":"SECRET","a":{"apiKey":"SECRET","list":[{"privateKey":"SECRET"}]},"credential":{"secret":"SECRET"}}',
    '--x\r\ncontent-disposition: form-data; name="r"\r\n\r\n{"userPassword" : "SEC\\"RET"}\r\n--x--',
    '{"token":"SECRET",}',
    '{"passphrase":["SECRET"],"token":12345}',
  ];
  for (const body of bodies) {
    const shown = redactBody(body);
    assert.doesNotMatch(shown, /SECRET|RET"|12345/, shown);
    assert.match(shown, /\*{8}/);
  }
  assert.equal(redactBody('{ "policyName": "gold",\n "keep": true }'), '{"policyName":"gold","keep":true}');
});

test("redaction - leaves all else as the server will see it: repeated members, large numbers, escapes", () => {
  const bodies = [
    '{"backupId":"gold","backupId":"test"}',
    '{"n":12345678901234567890}',
    '{"backup\\u0049d":"gold"}',
    '{"__proto__":{"backupId":"gold"}}',
  ];
  for (const body of bodies) assert.equal(redactBody(body), body);
});
