import assert from "node:assert/strict";
import test from "node:test";
import { readSshHostKeys, readSshServer, splitUrl } from "./storage-locations.ts";

test("storage locations - are read from URLs, and refused without quoting a password", () => {
  assert.deepEqual(readSshServer("sftp://backup@nas.example/srv/backup"), {
    user: "backup",
    host: "nas.example",
    port: 22,
    volume: "/srv/backup",
  });
  assert.deepEqual(readSshServer("sftp://backup@[::1]:2222/x").host, "::1");
  for (const bad of ["nas.example:/x", "sftp://nas.example/x", "sftp://backup:pw@nas.example/x"]) {
    assert.throws(() => readSshServer(bad), /has to be sftp:/);
  }
  assert.deepEqual(splitUrl("https://s3.example:9000/bucket/a/"), {
    origin: "https://s3.example:9000",
    path: "bucket/a",
  });
  for (const bad of ["https://u:secret@h.example/x", "https://h.example", "secret"]) {
    assert.throws(
      () => splitUrl(bad),
      (error: Error) => !error.message.includes("secret"),
    );
  }
});

test("storage locations - a server's keys are found in .pub files and in lines of known_hosts", () => {
  const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5";
  assert.deepEqual(readSshHostKeys(`${key} root@nas\n`), [key]);
  assert.deepEqual(readSshHostKeys(`# nas.example:22\nnas.example ${key}\n[nas.example]:22 ${key}\n`), [key]);
  assert.throws(() => readSshHostKeys("nothing"), /holds no public key/);
});
