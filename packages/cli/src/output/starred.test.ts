import assert from "node:assert/strict";
import { test } from "node:test";
import { starred } from "./starred.ts";

test("starred - keys, web tokens, what stands under names of secrets, and what is known", () => {
  const key = "-----BEGIN PRIVATE KEY-----\nMIIabc+/=\n-----END PRIVATE KEY-----";
  const web = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl";
  const shown: [string, RegExp][] = [
    [`before ${key} after`, /^before \*{8} after$/],
    [JSON.stringify({ text: key }), /^\{"text":"\*{8}"\}$/],
    [`sent ${web}.`, /^sent \*{8}\.$/],
    ['{"password":"S3cret!","user":"me"}', /^\{"password":"\*{8}","user":"me"\}$/],
    [JSON.stringify('{"token":"abcdef"}'), /^"\{\\"token\\":\\"\*{8}\\"\}"$/],
    ["Authorization: Bearer abcdef123", /^Authorization: \*{8}$/],
    ["api_key=abcdef x", /^api_key=\*{8} x$/],
    ["it was KNOWN here", /^it was \*{8} here$/],
  ];
  for (const [text, expected] of shown) assert.match(starred(text, ["KNOWN"]), expected, text);
  const plain = '{"msg":"endpoint.token_refused","token":null,"hostName":"hub"} token refused: see details';
  assert.equal(starred('{"token":"********"}', []), '{"token":"********"}');
  assert.match(starred(plain, []), /"token":null,"hostName":"hub"/);
});
