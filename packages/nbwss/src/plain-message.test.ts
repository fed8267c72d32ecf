import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { messageSchemas } from "./message.ts";
import { isPlainMessage } from "./plain-message.ts";

const maybe = <T>(good: fc.Arbitrary<T>) =>
  fc.oneof(
    { weight: 12, arbitrary: good },
    { weight: 1, arbitrary: fc.oneof(fc.jsonValue({ maxDepth: 1 }), fc.constant(undefined)) },
  );
const text = fc.string({ maxLength: 8 });
const command = fc.record({
  uri: maybe(text.map((path) => `/netbackup/${path}`)),
  method: maybe(fc.constantFrom("GET", "POST", "PUT", "PATCH", "DELETE", "TRACE")),
  headers: maybe(fc.dictionary(text, maybe(text), { maxKeys: 3 })),
  parameters: maybe(text),
});
const entry = fc.record({
  notificationType: maybe(text),
  object: maybe(text),
  data: maybe(fc.array(maybe(fc.dictionary(text, text, { maxKeys: 2 })), { maxLength: 3 })),
});
const message = fc.record({
  version: maybe(fc.constant("1.0")),
  id: maybe(fc.uuid()),
  type: fc.constantFrom("COMMAND", "NOTIFICATION", "CONNECT"),
  subType: fc.constantFrom("REQUEST", "RESPONSE"),
  timeStamp: maybe(fc.nat()),
  payload: maybe(fc.oneof(command, fc.array(maybe(entry), { maxLength: 3 }), fc.dictionary(text, text))),
});

test("plain message - what it recognises is what the schema accepts, and it misses none of the common ones", () => {
  let recognised = 0;
  fc.assert(
    fc.property(message, (made) => {
      // As it comes from the wire: no undefined members, plain objects.
      const value = JSON.parse(JSON.stringify(made)) as { type: string; subType: string };
      const schema = messageSchemas[`${value.type} ${value.subType}` as keyof typeof messageSchemas];
      const isGood = schema.safeParse(value).success;
      const isPlain = isPlainMessage(value);
      if (isPlain) recognised += 1;
      assert.equal(isPlain, isGood && value.type !== "CONNECT");
    }),
    { numRuns: 5_000 },
  );
  assert.ok(recognised > 500, `${recognised} were recognised`);
});
