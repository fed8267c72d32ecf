import assert from "node:assert/strict";
import { test } from "node:test";
import { currentImage, toImageItem, type ImageItem } from "./image-history.ts";

type Said = [message: string, operationId: string, createdTime?: number];

function itemsFrom(said: readonly Said[]): [ImageItem, ...ImageItem[]] {
  const items = said.map(([message, operationId, createdTime], index) => {
    const position = index + 1;
    const read = toImageItem({
      id: `p.${message}.${index}.digest`,
      type: `netbackup.image.${operationId.toLowerCase()}`,
      source: "/primaries/p",
      subject: "image/c_1",
      time: "2026-11-24T00:00:00.000Z",
      data: { backupId: "c_1", operationId, createdTime },
      position,
    });
    assert.ok(read);
    return read.item;
  });
  const [first, ...rest] = items;
  assert.ok(first);
  return [first, ...rest];
}

const table: [title: string, said: Said[], operation: string][] = [
  ["is made", [["a", "CREATE"]], "CREATE"],
  [
    "is deleted",
    [
      ["a", "CREATE"],
      ["b", "DELETE"],
    ],
    "DELETE",
  ],
  [
    "is deleted by a message that says UPDATE first",
    [
      ["a", "UPDATE"],
      ["a", "DELETE"],
    ],
    "DELETE",
  ],
  [
    "is deleted by a message that says UPDATE last",
    [
      ["a", "DELETE"],
      ["a", "UPDATE"],
    ],
    "DELETE",
  ],
  [
    "loses its local copy in such a message",
    [
      ["a", "NO_LOCAL_COPY_AVAILABLE"],
      ["a", "UPDATE"],
    ],
    "NO_LOCAL_COPY_AVAILABLE",
  ],
  [
    "is more than without a local copy when deleted",
    [
      ["a", "DELETE"],
      ["a", "NO_LOCAL_COPY_AVAILABLE"],
    ],
    "DELETE",
  ],
  [
    "is imported again",
    [
      ["a", "DELETE", 10],
      ["b", "CREATE", 20],
    ],
    "CREATE",
  ],
  [
    "is back when a later message says so",
    [
      ["a", "DELETE", 10],
      ["b", "UPDATE", 10],
    ],
    "UPDATE",
  ],
  [
    "is not deleted by what tells late of an older one",
    [
      ["b", "CREATE", 20],
      ["a", "DELETE", 10],
    ],
    "CREATE",
  ],
];

for (const [title, said, operation] of table) {
  test(`image - ${title}`, () => assert.equal(currentImage(itemsFrom(said)).operation, operation));
}
