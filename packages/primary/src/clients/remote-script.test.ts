import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import test from "node:test";
import { pathText } from "../storage/path-text.ts";
import { backupScript } from "./remote-script.ts";

test("remote script - hands restic the bytes of each path, whatever they are", () => {
  const paths = ["/plain", '/it\'s "$(x)"\n`y` \\ *', "/caf\xe9\xff'\xfe\xe9 1", "/-\x80"].map((path) =>
    Buffer.from(path, "latin1"),
  );
  const script = backupScript("secret", paths.map(pathText), []);
  const [, list = ""] = /^(printf '%s\\0' .*) \| sallyport_restic backup/ms.exec(script) ?? [];
  const output = execFileSync("sh", ["-c", list]);
  assert.deepEqual(output, Buffer.concat(paths.flatMap((path) => [path, Buffer.from([0])])));
});
