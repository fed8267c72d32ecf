import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { NbwssError } from "../errors.ts";
import {
  decodeFrame,
  encodeCredit,
  encodeData,
  encodeHead,
  encodeReset,
  maxChunkBytes,
  maxCreditBytes,
  maxHeadBytes,
  maxStreamId,
  resetCodes,
  type ResetCode,
} from "./frame.ts";

const stream = fc.oneof(fc.constantFrom(1, 2 ** 32, maxStreamId), fc.integer({ min: 1, max: maxStreamId }));
const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array));

test("frame - what is written is read again", () => {
  fc.assert(
    fc.property(
      stream,
      bytes,
      fc.boolean(),
      fc.string({ unit: "binary", maxLength: 80 }),
      (id, body, end, text) => {
        const head = Buffer.from(text).toString();
        const request = decodeFrame(encodeHead("request", id, head, { body, end }));
        assert.deepEqual(request, { type: "request", stream: id, end, head: Buffer.from(head), body });
        const response = decodeFrame(encodeHead("response", id, "{}", { body: head, end }));
        assert.deepEqual(response, {
          type: "response",
          stream: id,
          end,
          head: Buffer.from("{}"),
          body: Buffer.from(head),
        });
        if (body.length > 0)
          assert.deepEqual(decodeFrame(encodeData(id, body, end)), { type: "data", stream: id, end, body });
        const credit = 1 + (body.length % maxCreditBytes);
        assert.deepEqual(decodeFrame(encodeCredit(id, credit)), {
          type: "credit",
          stream: id,
          bytes: credit,
        });
      },
    ),
  );
});

test("frame - has the layout that the protocol documents", () => {
  assert.equal(
    encodeHead("request", 1, "{}", { body: "ab", end: true }).toString("hex"),
    "0101000000000001000000027b7d6162",
  );
  assert.equal(encodeData(2, Buffer.from("x"), false).toString("hex"), "030000000000000278");
  assert.equal(encodeCredit(3, 65_536).toString("hex"), "040000000000000300010000");
  assert.equal(encodeReset(4, "cancelled", "gone").toString("hex"), "050000000000000401676f6e65");
});

test("frame - a reset's reason is cut to what fits, between characters", () => {
  for (const code of Object.keys(resetCodes) as ResetCode[]) {
    const frame = decodeFrame(encodeReset(1, code, "ü".repeat(200)));
    assert.deepEqual(frame, { type: "reset", stream: 1, code, reason: "ü".repeat(61) });
  }
});

const frameOf = (type: number, flags: number, id: number, ...rest: number[]) =>
  Buffer.from([type, flags, 0, 0, 0, 0, 0, id, ...rest]);
const malformed: [what: string, data: Buffer, code: string][] = [
  ["empty", Buffer.alloc(0), "bad_frame"],
  ["shorter than its header", Buffer.from([3, 1, 0, 0, 0, 0, 0]), "bad_frame"],
  ["of an unknown type", frameOf(9, 0, 1), "bad_frame"],
  ["with an unknown flag", frameOf(3, 2, 1, 65), "bad_frame"],
  ["on stream 0", frameOf(3, 1, 0), "bad_frame"],
  ["DATA with nothing", frameOf(3, 0, 1), "bad_frame"],
  ["without the length of its head", frameOf(1, 0, 1, 0, 0, 0), "bad_frame"],
  ["with a head beyond its end", frameOf(1, 0, 1, 0, 0, 0, 3, 123, 125), "bad_frame"],
  ["CREDIT of 0", frameOf(4, 0, 1, 0, 0, 0, 0), "bad_frame"],
  ["CREDIT beyond the bound", frameOf(4, 0, 1, 0x80, 0, 0, 0), "bad_frame"],
  ["CREDIT of 3 bytes", frameOf(4, 0, 1, 0, 0, 1), "bad_frame"],
  ["CREDIT with END", frameOf(4, 1, 1, 0, 0, 0, 1), "bad_frame"],
  ["RESET without a code", frameOf(5, 0, 1), "bad_frame"],
  ["RESET with an unknown code", frameOf(5, 0, 1, 99), "bad_frame"],
  ["RESET with too long a reason", Buffer.concat([frameOf(5, 0, 1, 1), Buffer.alloc(124, 65)]), "bad_frame"],
  ["with too large a head", frameOf(2, 0, 1, 0, 1, 0, 1), "too_large"],
  ["with too much body", Buffer.concat([frameOf(3, 0, 1), Buffer.alloc(maxChunkBytes + 1)]), "too_large"],
];
for (const [what, data, code] of malformed) {
  test(`frame - one ${what} is refused`, () => {
    assert.throws(
      () => decodeFrame(data),
      (error) => error instanceof NbwssError && error.code === code && error.closeCode !== undefined,
    );
  });
}

test("frame - a head that is too large is not written", () => {
  assert.throws(() => encodeHead("request", 1, "x".repeat(maxHeadBytes + 1), { end: true }), /at most/);
});

test("frame - types from 0x80 are of later versions, whatever they hold; those below are errors, and so is what is too long or too short", () => {
  const codeOf = (type: number, length: number) => {
    try {
      decodeFrame(Buffer.alloc(length, type));
      return "frame";
    } catch (error) {
      return (error as NbwssError).code;
    }
  };
  for (const type of [0x80, 0x81, 0xc3, 0xff]) {
    assert.equal(codeOf(type, 8), "unknown_extension");
    assert.equal(codeOf(type, 128 * 1024 + 12), "unknown_extension");
    assert.equal(codeOf(type, 128 * 1024 + 13), "too_large");
    assert.equal(codeOf(type, 7), "bad_frame");
  }
  for (const type of [0, 6, 0x7f]) assert.equal(codeOf(type, 8), "bad_frame");
});

test("frame - 100,000 random and mutilated messages are frames or are refused with a close code", () => {
  const good = [
    encodeHead("request", 1, '{"uri":"/netbackup/ping","method":"GET","headers":{}}', {
      body: "x",
      end: true,
    }),
    encodeHead("response", 7, '{"status":200,"headers":{}}', { end: false }),
    encodeData(1, Buffer.from("body"), false),
    encodeCredit(1, 70_000),
    encodeReset(1, "failed", "why"),
  ];
  const mutilated = fc
    .tuple(fc.constantFrom(...good), fc.nat(), fc.nat({ max: 255 }), fc.nat({ max: 3 }))
    .map(([frame, at, value, cut]) => {
      const copy = Buffer.from(frame);
      copy[at % copy.length] = value;
      return copy.subarray(0, copy.length - cut);
    });
  const random = fc
    .tuple(fc.nat({ max: 7 }), fc.uint8Array({ maxLength: 40 }))
    .map(([type, rest]) => Buffer.from([type, ...rest]));
  fc.assert(
    fc.property(fc.oneof(mutilated, random), (data) => {
      try {
        decodeFrame(data);
      } catch (error) {
        assert.ok(
          error instanceof NbwssError &&
            (error.closeCode === 1002 || error.closeCode === 1009 || error.code === "unknown_extension"),
          String(error),
        );
      }
    }),
    { numRuns: 100_000 },
  );
});
