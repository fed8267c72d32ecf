import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { DecodeError, decodeMessage, encodeMessage, imageItem, jobItem, readCommandAnswer } from "./index.ts";
import type { Message } from "./index.ts";

const fixtures = join(import.meta.dirname, "../../../tests/fixtures/nbwss");
const examples = JSON.parse(readFileSync(join(fixtures, "messages.json"), "utf8")) as {
  name: string;
  message: Message;
}[];

const connect = examples[0]?.message as Message;
const text = (change: object) => JSON.stringify({ ...connect, ...change });

function decodeErrorOf(input: string): DecodeError {
  try {
    decodeMessage(input);
  } catch (error) {
    assert.ok(error instanceof DecodeError, `${String(error)} is not a DecodeError`);
    return error;
  }
  throw new assert.AssertionError({ message: `was decoded: ${input.slice(0, 100)}` });
}

for (const { name, message } of examples) {
  test(`codec - round-trips the documented message "${name}"`, () => {
    assert.deepEqual(decodeMessage(encodeMessage(message)), message);
    assert.deepEqual(decodeMessage(JSON.stringify(message, null, 4)), message);
    if (message.type === "NOTIFICATION" && message.subType === "REQUEST") {
      for (const { object, data } of message.payload) {
        for (const item of data) (object === "JOB" ? jobItem : imageItem).parse(item);
      }
    }
  });
}

const refusals: [title: string, input: string, code: string, path: string, closeCode: number][] = [
  ["an empty message", "", "not_json", "", 1007],
  ["half a message", text({}).slice(0, 40), "not_json", "", 1007],
  ["two messages in one", `${text({})}${text({})}`, "not_json", "", 1007],
  ["null", "null", "invalid_message", "", 1008],
  ["an array", "[]", "invalid_message", "", 1008],
  ["another version", text({ version: "2.0" }), "unsupported_version", "version", 1008],
  ["a number as version", text({ version: 1 }), "invalid_message", "version", 1008],
  ["an unknown type", text({ type: "HELLO" }), "invalid_message", "type", 1008],
  ["a type from the prototype", text({ type: "__proto__" }), "invalid_message", "type", 1008],
  ["an unknown subType", text({ subType: "MAYBE" }), "invalid_message", "type", 1008],
  ["an id that is no UUID", text({ id: "1" }), "invalid_message", "id", 1008],
  ["a timeStamp with a fraction", text({ timeStamp: 1.5 }), "invalid_message", "timeStamp", 1008],
  ["a missing payload", text({ payload: undefined }), "invalid_message", "payload", 1008],
  ["a token that is no string", text({ payload: { token: 7 } }), "invalid_message", "payload.token", 1008],
  [
    "nesting deeper than 64",
    text({ extra: JSON.parse("[".repeat(64) + "]".repeat(64)) as unknown }),
    "too_deep",
    "",
    1007,
  ],
  ["nesting a million deep", "[".repeat(1e6) + "]".repeat(1e6), "too_deep", "", 1007],
  ["more than 8 MiB", text({ extra: "x".repeat(8 * 1024 * 1024) }), "too_large", "", 1009],
  [
    "more than 8 MiB of two-byte letters",
    text({ extra: "é".repeat(5 * 1024 * 1024) }),
    "too_large",
    "",
    1009,
  ],
];
for (const [title, input, code, path, closeCode] of refusals) {
  test(`codec - refuses ${title} and says where`, () => {
    const error = decodeErrorOf(input);
    assert.deepEqual(
      { code: error.code, path: error.path, closeCode: error.closeCode },
      { code, path, closeCode },
    );
    assert.ok(path === "" || error.message.startsWith(path), error.message);
  });
}

test("codec - refuses a command with an unknown method or wrong headers", () => {
  const command = examples.find(({ name }) => name === "COMMAND login")?.message as Message;
  const refusedAt = (change: object) =>
    decodeErrorOf(JSON.stringify({ ...command, payload: { ...(command.payload as object), ...change } }))
      .path;
  assert.equal(refusedAt({ uri: undefined }), "payload.uri");
  assert.equal(refusedAt({ method: "TRACE" }), "payload.method");
  assert.equal(refusedAt({ headers: { a: 1 } }), "payload.headers.a");
});

test("codec - ignores unknown members, takes ids in lower case, keeps a notification's items as they came", () => {
  const notification = {
    version: "1.0",
    id: "36f675cc-81e7-4ef5-a8e2-5d940ed90475",
    type: "NOTIFICATION",
    subType: "REQUEST",
    timeStamp: 0,
    payload: [{ notificationType: "INFO", object: "JOB", data: [{ jobId: 1, novel: { a: [null] } }] }],
  };
  assert.deepEqual(decodeMessage(JSON.stringify({ ...notification, novel: true })), notification);
});

test("codec - a message of a later version of the extension is told from garbage", () => {
  const later = { ...connect, type: "SALLYPORT", subType: "NOVEL_THING", payload: { anything: [1] } };
  assert.equal(decodeErrorOf(JSON.stringify(later)).code, "unknown_extension");
  for (const bad of [
    { ...later, id: "x" },
    { ...later, timeStamp: -1 },
    { ...later, type: "SALLYPORT2" },
    { ...later, subType: "novel" },
    { ...later, subType: "N".repeat(33) },
    { ...later, subType: "" },
    { ...later, subType: "HELLO" },
    { ...later, subType: "HEALTH", payload: {} },
    { ...later, subType: "constructor" },
  ]) {
    assert.equal(decodeErrorOf(JSON.stringify(bad)).code, "invalid_message", JSON.stringify(bad));
  }
});

test("codec - an error never quotes a token", () => {
  for (const input of [`{"token":"SECRET`, `SECRET`, `{"version":"1.0","SECRET":}`]) {
    assert.doesNotMatch(decodeErrorOf(input).message, /SECRET/);
  }
});

test("codec - garbage is a DecodeError, never another error", () => {
  const survives = (input: string) => {
    try {
      decodeMessage(input);
    } catch (error) {
      assert.ok(error instanceof DecodeError, String(error));
    }
  };
  fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 2000 }), survives), { numRuns: 2000 });
  fc.assert(fc.property(fc.json({ maxDepth: 80 }), survives), { numRuns: 2000 });
  // Documented messages with one member replaced by anything.
  const mutated = fc
    .tuple(fc.constantFrom(...examples), fc.string(), fc.jsonValue())
    .map(([example, key, value]) => {
      const keys = Object.keys(example.message);
      const name = keys[key.length % keys.length] ?? "id";
      return JSON.stringify({ ...example.message, [name]: value });
    });
  fc.assert(fc.property(mutated, survives), { numRuns: 5000 });
  // Documented messages cut and flipped somewhere.
  const damaged = fc
    .tuple(fc.constantFrom(...examples), fc.nat(), fc.string({ maxLength: 3 }))
    .map(([{ message }, at, patch]) => {
      const whole = JSON.stringify(message);
      const start = at % whole.length;
      return whole.slice(0, start) + patch + whole.slice(start + 1);
    });
  fc.assert(fc.property(damaged, survives), { numRuns: 5000 });
});

test("codec - whatever can be sent is read back the same", () => {
  const anyText = fc.string({ unit: "binary" });
  const command = fc.record({
    version: fc.constant("1.0" as const),
    id: fc.uuid(),
    type: fc.constant("COMMAND" as const),
    subType: fc.constant("REQUEST" as const),
    timeStamp: fc.nat(),
    payload: fc.record({
      uri: anyText.map((path) => `/netbackup/${path}`),
      method: fc.constantFrom("GET", "POST", "PUT", "PATCH", "DELETE"),
      headers: fc.dictionary(
        fc.string({ minLength: 1 }).filter((name) => name !== "__proto__"),
        anyText,
        {
          noNullPrototype: true,
        },
      ),
      parameters: anyText,
    }),
  });
  fc.assert(
    fc.property(command, (message) => {
      // fast-check makes objects without a prototype; only what they hold is compared.
      assert.deepEqual(decodeMessage(encodeMessage(message)), JSON.parse(JSON.stringify(message)));
    }),
  );
});

test("codec - does not send what the peer would refuse", () => {
  const message = { ...connect, payload: { token: "x".repeat(300) } } as Message;
  assert.throws(() => encodeMessage(message, { maxMessageBytes: 200 }), { code: "too_large" });
});

test("answer - finds status and body under every likely name, and under a dialect's", () => {
  for (const status of ["status", "statusCode", "responseCode", "httpStatus"]) {
    for (const body of ["body", "response", "responseBody", "content", "data"]) {
      const answer = readCommandAnswer({ [status]: 207, headers: { Date: "now" }, [body]: "ü" });
      assert.deepEqual(answer, { status: 207, headers: { date: "now" }, body: "ü" });
    }
  }
  const dialect = { statusMember: "rc", bodyMember: "text" };
  assert.deepEqual(readCommandAnswer({ rc: "200", text: { data: [] }, status: 500, body: "no" }, dialect), {
    status: 200,
    headers: {},
    body: `{"data":[]}`,
  });
});

test("answer - refuses a response without a status that HTTP knows", () => {
  for (const payload of [
    {},
    { status: "OK" },
    { status: 99 },
    { status: 600 },
    { status: null },
    { status: 200.5 },
  ]) {
    assert.throws(() => readCommandAnswer(payload), { code: "not_a_response" }, JSON.stringify(payload));
  }
});
