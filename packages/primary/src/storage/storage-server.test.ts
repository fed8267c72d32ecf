import assert from "node:assert/strict";
import test from "node:test";
import { PrimaryError } from "../errors.ts";
import { rcloneConfigProblem } from "./rclone-config.ts";
import { parseStorageServer, type StorageServer } from "./storage-server.ts";
import { checkVolume, volumeProblem } from "./volume-rules.ts";

const hostKey = `ssh-ed25519 ${Buffer.alloc(51, 7).toString("base64")}`;
const privateKey = "-----BEGIN OPENSSH PRIVATE KEY-----\nc2VjcmV0\n-----END OPENSSH PRIVATE KEY-----\n";
const sftp = { kind: "sftp", host: "nas.example", user: "backup", hostKeys: [hostKey], privateKey };
const s3 = { kind: "s3", endpoint: "https://s3.example", accessKeyId: "id", secretAccessKey: "S3-secret" };
const rest = { kind: "rest", url: "https://nas.example:8000/base", user: "u", password: "p w" };
const rclone = { kind: "rclone", config: "# a comment\n[store]\ntype = b2\naccount = 1\n" };

test("storage server - is taken when it is plain, by name or address", () => {
  for (const server of [
    sftp,
    { ...sftp, host: "::1", port: 2222 },
    s3,
    rest,
    rclone,
    { ...rest, url: "http://127.0.0.1:1" },
  ]) {
    assert.equal(parseStorageServer(server).kind, server.kind);
  }
});

test("storage server - is refused when anything of it could be an option, a command or another place; the refusal quotes no secret", () => {
  const refused: Record<string, unknown>[] = [
    { ...sftp, host: "-oProxyCommand=touch /tmp/x" },
    { ...sftp, host: "nas.example\n  ProxyCommand touch" },
    { ...sftp, user: "-l root" },
    { ...sftp, user: "backup\nProxyCommand x" },
    { ...sftp, hostKeys: [] },
    { ...sftp, hostKeys: [`${hostKey}\n* ssh-rsa AAAA`] },
    { ...sftp, hostKeys: [`@cert-authority ${hostKey}`] },
    { ...sftp, command: "touch /tmp/x" },
    { ...sftp, privateKey: "S3-secret" },
    { ...s3, endpoint: "http://s3.example" },
    { ...s3, endpoint: "https://u:S3-secret@s3.example" },
    { ...s3, endpoint: "https://s3.example/?x" },
    { ...s3, secretAccessKey: "S3-secret\n[other]" },
    { ...s3, region: "eu west" },
    { ...rest, url: "http://nas.example" },
    { ...rest, url: "https://nas.example/../x" },
    { ...rest, user: "u\n" },
    { ...rclone, config: "" },
    { ...rclone, config: "[store]\ntype = b2\n[store2]\n" },
    { ...rclone, config: "[-store]\ntype = b2\n" },
    { ...rclone, config: "[store]\ntype = webdav\nbearer_token_command = touch /tmp/x\n" },
    { ...rclone, config: "[store]\ntype = sftp\nssh = touch /tmp/x\n" },
    { ...rclone, config: "[store]\ntype = made-up\n" },
    { ...rclone, config: "type = b2\n" },
    { kind: "exec", command: "x" },
  ];
  for (const server of refused) {
    assert.throws(
      () => parseStorageServer(server),
      (error: unknown) => {
        assert.ok(error instanceof PrimaryError && error.code === "invalid_request");
        const told = error.message + JSON.stringify(error.attributeErrors);
        return !told.includes("S3-secret") && !told.includes("touch");
      },
      JSON.stringify(server),
    );
  }
  assert.match(rcloneConfigProblem("[a]\ntype = b2\nodd\n") ?? "", /^line 3 is neither/);
});

test("volume - is a plain place on its server, and its own", () => {
  const servers = Object.fromEntries(
    [sftp, s3, rest, rclone].map((server) => [server.kind, parseStorageServer(server)]),
  );
  const cases: [server: string, volume: string, good: boolean][] = [
    ["local", "/mnt/backup", true],
    ["local", "mnt", false],
    ["local", "/mnt/../etc", false],
    ["local", "/", false],
    ["sftp", "/srv/backup", true],
    ["sftp", "srv", false],
    ["s3", "bucket/vienna", true],
    ["s3", "bucket/../x", false],
    ["s3", "Bucket", false],
    ["s3", "bucket/-x?y", false],
    ["rest", "unit", true],
    ["rest", "unit/", false],
    ["rest", "../unit", false],
    ["rest", "unit?x", false],
    ["rclone", "store:folder/x", true],
    ["rclone", "store:", false],
    ["rclone", "other:x", false],
    ["rclone", ":local:/etc", false],
    ["rclone", "store,env_auth=true:x", false],
    ["rclone", "store:../x", false],
  ];
  for (const [kind, volume, good] of cases) {
    const server: StorageServer | undefined = servers[kind];
    assert.equal(volumeProblem(server, volume) === undefined, good, `${kind} ${volume}`);
  }
  const pool = { server: null, volume: "/mnt/backup", comment: "", highWaterMark: 98 };
  const taken = { servers, pools: { one: pool } };
  const local = (volume: string) => () => checkVolume(taken, { server: null, volume }, "/var/lib/primary");
  assert.throws(local("/mnt/backup/x"), { code: "already_exists" });
  assert.throws(local("/mnt"), { code: "already_exists" });
  assert.throws(local("/var/lib/primary/storage"), { code: "invalid_request" });
  assert.throws(local("/var/lib"), { code: "invalid_request" });
  assert.doesNotThrow(local("/mnt/other"));
  assert.throws(() => checkVolume(taken, { server: "gone", volume: "/x" }, "/d"), {
    code: "invalid_request",
  });
});
