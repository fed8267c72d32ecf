import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { Pieces } from "./pieces.ts";

test("pieces - come out as they came, whatever their sizes", () => {
  const sizes = [1, 4_095, 4_096, 0, 16_383, 2, 3, 65_536, 16_000, 400, 1];
  const sent = sizes.map((size) => randomBytes(size));
  for (const take of [
    (pieces: Pieces) => pieces.takeAll(),
    (pieces: Pieces) => {
      const blocks: Buffer[] = [];
      for (let block = pieces.shift(); block !== undefined; block = pieces.shift()) blocks.push(block);
      return Buffer.concat(blocks);
    },
  ]) {
    const pieces = new Pieces();
    for (const piece of sent) pieces.add(piece);
    assert.equal(pieces.size, Buffer.concat(sent).length);
    assert.deepEqual(take(pieces), Buffer.concat(sent));
    assert.deepEqual([pieces.size, pieces.memory], [0, 0]);
  }
});

test("pieces - single bytes take no object each", () => {
  const pieces = new Pieces();
  for (let n = 0; n < 100_000; n += 1) pieces.add(Buffer.from([n & 255]));
  assert.ok(pieces.memory < 120_000, `${pieces.memory} bytes`);
});

test("pieces - single bytes between larger pieces take no block each", () => {
  const pieces = new Pieces();
  for (let n = 0; n < 100; n += 1) {
    pieces.add(Buffer.from([n]));
    pieces.add(Buffer.alloc(4_096));
  }
  assert.deepEqual([pieces.size, pieces.memory], [409_700, 409_700]);
});
