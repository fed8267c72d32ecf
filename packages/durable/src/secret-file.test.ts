import assert from "node:assert/strict";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { temporaryFolder } from "../../../tests/kit/folder.ts";
import { openToOthers, readSecretFile, SecretFileError } from "./secret-file.ts";

const rows: [what: string, uid: number, mode: number, ownUid: number, refused: RegExp | undefined][] = [
  ["the reader's own, for nobody else", 1000, 0o100600, 1000, undefined],
  ["the reader's own, read-only", 1000, 0o100400, 1000, undefined],
  ["the reader's own, for its group", 1000, 0o100640, 1000, /its group may read or change .* \(mode 0640\)/],
  ["the reader's own, for all", 1000, 0o100644, 1000, /every user .*chmod 600 \/etc\/key/],
  ["the reader's own, for all to run", 1000, 0o100601, 1000, /every user/],
  ["root's, handed to a service by its group", 0, 0o100640, 1000, undefined],
  ["root's, which its group may write", 0, 0o100660, 1000, /its group/],
  ["root's, for all", 0, 0o100644, 1000, /every user/],
  ["root's, read by root", 0, 0o100640, 0, undefined],
  ["root's for all, read by root", 0, 0o100644, 0, /every user/],
  ["another user's, for its group", 1001, 0o100440, 1000, undefined],
];

test("secret file - is refused when others than its reader, or the group that root hands it to, can read it", () => {
  for (const [what, uid, mode, ownUid, refused] of rows) {
    const refusal = openToOthers({ path: "/etc/key", uid, mode }, ownUid);
    if (refused === undefined) assert.equal(refusal, undefined, what);
    else assert.match(refusal ?? "", refused, what);
  }
});

test("secret file - is read while it is closed, refused once it is open, and its secret is in no message", () => {
  using folder = temporaryFolder();
  const path = join(folder.path, "key");
  writeFileSync(path, "s3cret", { mode: 0o600 });
  assert.equal(readSecretFile(path), "s3cret");
  chmodSync(path, 0o644);
  assert.throws(
    () => readSecretFile(path),
    (error) => error instanceof SecretFileError && !error.message.includes("s3cret"),
  );
  assert.equal(readSecretFile("/dev/null"), "");
});
