import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decodeMessage, encodeMessage } from "../codec.ts";
import { DecodeError } from "../errors.ts";
import type { Message } from "../message.ts";

const envelope = { version: "1.0", timeStamp: fc.nat() } as const;
const id = fc.uuid();
const nullable = <T>(some: fc.Arbitrary<T>) => fc.option(some, { nil: null });
const position = fc.maxSafeNat().map((n) => Math.max(1, n));

const ofHello = fc.record({
  healthIntervalMs: fc.integer({ min: 100, max: 3_600_000 }),
  resume: nullable(fc.record({ journal: id, position: fc.maxSafeNat(), id: nullable(id) })),
});
const ofResume = fc.record({
  journal: id,
  position: fc.maxSafeNat(),
  outcome: fc.constantFrom("resumed", "began", "refused"),
});
const ofGap = fc.tuple(position, position).chain(([one, other]) =>
  fc.record({
    from: fc.constant(Math.min(one, other)),
    to: fc.constant(Math.max(one, other)),
    count: fc.maxSafeNat(),
    sinceMs: nullable(fc.maxSafeNat()),
    untilMs: nullable(fc.maxSafeNat()),
    reason: fc.stringMatching(/^[a-z][a-z_]{0,31}$/),
  }),
);

/** A message with the version and time of every message. */
function message(subType: string, payload: fc.Arbitrary<object>): fc.Arbitrary<Message> {
  const { version, timeStamp } = envelope;
  const record = { version: fc.constant(version), id, type: fc.constant("SALLYPORT"), timeStamp, payload };
  return fc.record({ ...record, subType: fc.constant(subType) }) as unknown as fc.Arbitrary<Message>;
}

const numbered = fc.record({
  version: fc.constant("1.0"),
  id,
  type: fc.constant("NOTIFICATION"),
  subType: fc.constant("REQUEST"),
  timeStamp: fc.nat(),
  position,
  payload: fc.constant([{ notificationType: "INFO", object: "JOB", data: [{ jobId: 1 }] }]),
}) as unknown as fc.Arbitrary<Message>;

const good = fc.oneof(
  message("HELLO", ofHello),
  message("RESUME", ofResume),
  message("GAP", ofGap),
  numbered,
);

test("resume messages - what can be sent is read back the same", () => {
  fc.assert(
    fc.property(good, (sent) => {
      // fast-check makes objects without a prototype; only what they hold is compared.
      assert.deepEqual(decodeMessage(encodeMessage(sent)), JSON.parse(JSON.stringify(sent)));
    }),
    { numRuns: 2_000 },
  );
});

test("resume messages - with any member replaced by anything they are read or refused with 1008, never more than that", () => {
  const mutilated = fc
    .tuple(good, fc.nat(), fc.oneof(fc.jsonValue(), fc.double(), fc.constantFrom(-1, 0, 1e300, 2 ** 53)))
    .map(([{ payload, ...rest }, at, value]) => {
      const members = Object.keys(payload as object);
      const name = members[at % members.length] ?? "";
      return JSON.stringify({ ...rest, payload: { ...(payload as object), [name]: value } });
    });
  fc.assert(
    fc.property(mutilated, (text) => {
      try {
        decodeMessage(text);
      } catch (error) {
        assert.ok(error instanceof DecodeError && error.closeCode === 1008, String(error));
      }
    }),
    { numRuns: 5_000 },
  );
});

test("resume messages - a position that is none is a member that is not known: NBWSS 1.0 has no positions", () => {
  const [base] = fc.sample(numbered, 1);
  for (const bad of [0, -1, 1.5, "7", null, {}, 2 ** 53, Number.MAX_VALUE]) {
    const read = decodeMessage(JSON.stringify({ ...base, position: bad }));
    assert.equal((read as { position?: number }).position, undefined, JSON.stringify(bad));
  }
  // The same when the schema has to look at it.
  const odd = { ...base, position: "7", payload: [] };
  assert.equal((decodeMessage(JSON.stringify(odd)) as { position?: number }).position, undefined);
});

test("resume messages - a gap that ends before it begins is refused", () => {
  const [gap] = fc.sample(message("GAP", ofGap), 1);
  const backwards = { ...gap, payload: { ...(gap?.payload as object), from: 5, to: 4 } };
  assert.throws(() => decodeMessage(JSON.stringify(backwards)), { code: "invalid_message" });
});
