import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { chmod, mkdir, readFile, readdir, symlink, truncate, writeFile } from "node:fs/promises";
import { userInfo } from "node:os";
import { join, relative } from "node:path";
import test from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { makeQuickRepository } from "../testing/quick-repository.ts";
import { parseBackupLine } from "../storage/restic-output.ts";
import { startSshd } from "../testing/storage-servers.ts";
import {
  backupTimeOf,
  clientName,
  multipart,
  policyBody,
  recoverPath,
  recoveryRequest,
  startTestPrimary,
  temporaryFolder,
  type TestPrimary,
} from "../testing/test-primary.ts";
import { isCredible } from "./client-unit.ts";
import { checkClient, fingerprintOf, registerClient, scanHostKeys } from "./register-client.ts";
import { clientFile, sshClientSchema } from "./ssh-client.ts";
import { sshArguments, sshFailure } from "./ssh-command.ts";

const client = sshClientSchema.parse({
  name: "web1",
  host: "127.0.0.1",
  user: "backup",
  keyFile: "/k",
  hostKey: "ssh-ed25519 AAAA",
});

test("ssh client - nothing of a client's entry can be an option or a command", () => {
  const bad = [
    { name: "-oProxyCommand=x" },
    { name: "a/b" },
    { host: "-oProxyCommand=touch x" },
    { host: "a b" },
    { user: "-l" },
    { user: "a;b" },
    { keyFile: "relative" },
    { keyFile: '/a"b' },
    { hostKey: "ssh-ed25519 AAAA\n* ssh-rsa BBBB" },
    { port: 0 },
  ];
  for (const part of bad) {
    assert.equal(sshClientSchema.safeParse({ ...client, ...part }).success, false, JSON.stringify(part));
  }
  const args = sshArguments(client, "/known hosts");
  assert.deepEqual(args.slice(args.indexOf("--"), -1), ["--", "127.0.0.1"]);
  for (const option of [
    "StrictHostKeyChecking=yes",
    "ForwardAgent=no",
    "ForwardX11=no",
    "ClearAllForwardings=yes",
  ]) {
    assert.ok(args.includes(option));
  }
});

const failures: [string, boolean, number][] = [
  ["Host key verification failed.", false, 58],
  ["backup@web1: Permission denied (publickey).", false, 59],
  ["ssh: Could not resolve hostname web1: Name or service not known", false, 48],
  ["ssh: connect to host web1 port 22: Connection refused", false, 57],
  ["ssh: connect to host web1 port 22: Connection timed out", false, 54],
  ["ssh: connect to host web1 port 22: No route to host", false, 58],
  ["Timeout, server web1 not responding.", true, 41],
  ["client_loop: send disconnect: Broken pipe", true, 24],
  ["Connection to web1 closed by remote host.", true, 40],
];
for (const [line, begun, status] of failures) {
  test(`ssh client - ${status} for ${line}`, () => assert.equal(sshFailure([line], begun).status, status));
}

test("ssh client - a snapshot in its storage unit that says that it is another machine's is not believed", () => {
  const by = (hostName: string, backupId: string) => ({ hostName, tags: { backupId } });
  assert.ok(isCredible("client_web1", by("WEB1", "WEB1_1700000000")));
  assert.ok(isCredible("stu_local", by("db", "db_1700000000")));
  for (const [hostName, backupId] of [
    ["db", "db_1700000000"],
    ["web1", "db_1700000000"],
    ["db", "web1_1700000000"],
    ["web1", "web1"],
  ] as const) {
    assert.equal(isCredible("client_web1", by(hostName, backupId)), false, `${hostName} ${backupId}`);
  }
});

test("ssh client - numbers that no database could hold are no message of its restic", () => {
  const summary = (bytes: string) =>
    `{"message_type":"summary","total_files_processed":1,"total_bytes_processed":${bytes},"data_added":0}`;
  assert.ok(parseBackupLine(summary("17")));
  for (const bytes of ["1e308", "1e999", "-1", "0.5"])
    assert.equal(parseBackupLine(summary(bytes)), undefined);
});

function clientPolicy(name: string, hostName: string, selections: string[], backupType = "Full Backup") {
  const body = policyBody(name, selections);
  const { policy } = body.data.attributes;
  policy.clients = [{ hostName, OS: "Linux", hardware: "Linux" }];
  policy.schedules = [{ scheduleName: "s", scheduleType: "Frequency", backupType }];
  return body;
}

function restoreParts(
  from: string,
  to: string,
  restore: { backupId: string; path: string; rename: string; overwrite?: boolean },
) {
  const backupTime = backupTimeOf(restore.backupId);
  const request = recoveryRequest(backupTime, restore.overwrite ?? false);
  request.data.attributes.recoveryPoint.client = from;
  request.data.attributes.recoveryOptions.destinationClient = to;
  return multipart({
    recoveryRequest: request,
    selectionsFile: [{ path: restore.path, backupTime }],
    renameFile: [{ from: restore.path, to: restore.rename }],
  });
}

async function restore(primary: TestPrimary, ...parts: Parameters<typeof restoreParts>) {
  const answer = await primary.expect(201, `POST ${recoverPath}`, restoreParts(...parts));
  const { id } = (answer.body as { data: { id: number } }).data;
  const { status } = await primary.journal.jobDone(id);
  return { status, log: await primary.log(id) };
}

/** The command lines of all processes that hold a text. */
function commandLines(text: string): string[] {
  return readdirSync("/proc")
    .filter((pid) => /^\d+$/.test(pid))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "utf8");
      } catch {
        // It has ended meanwhile.
        return "";
      }
    })
    .filter((line) => line.includes(text));
}

test("ssh client - is backed up and restored over a real sshd, and says by its status what is wrong", async () => {
  await using folder = await temporaryFolder();
  const at = (...names: string[]) => join(folder.path, ...names);
  await using sshd = await startSshd(at("sshd"));
  const dataDir = at("data");
  await using primary = await startTestPrimary(dataDir);
  const { port } = sshd.definition as unknown as { port: number };
  const [shown] = await scanHostKeys("127.0.0.1", port);
  const hostKey = shown?.key ?? "";
  assert.deepEqual([hostKey], sshd.definition["hostKeys"]);
  const fingerprint = execFileSync("ssh-keygen", ["-lf", at("sshd", "host_key.pub")], { encoding: "utf8" });
  assert.ok(fingerprint.includes(` ${fingerprintOf(hostKey)} `));
  const common = {
    host: "127.0.0.1",
    port,
    user: userInfo().username,
    keyFile: at("sshd", "identity"),
    hostKey,
  };
  const web1 = await registerClient(dataDir, { ...common, name: "web1" });
  makeQuickRepository(dataDir, "client_web1");
  // A relative folder, too: ssh itself runs in another one.
  const check = await checkClient(relative(process.cwd(), dataDir), web1);
  assert.match(check.lines.join("\n"), /restic 0\./);
  await assert.rejects(registerClient(dataDir, { ...common, name: "WEB1" }), { code: "already_exists" });

  const source = at("source");
  await mkdir(join(source, "sub 'x'"), { recursive: true });
  await writeFile(join(source, "sub 'x'", "a $(touch x)"), "content");
  execFileSync("ln", [join(source, "sub 'x'", "a $(touch x)"), join(source, "hard link")]);
  await symlink("/etc/passwd", join(source, "link"));
  await writeFile(join(source, "run"), "#!/bin/sh\n", { mode: 0o4751 });
  execFileSync("touch", ["-d", "2020-01-02T03:04:05Z", join(source, "run"), source]);
  const tree = (root: string) =>
    execFileSync("find", [".", "-printf", "%P %y %m %n %s %T@ %l\n"], { cwd: root, encoding: "utf8" })
      .split("\n")
      .toSorted();
  const hosts = await primary.expect(200, "/config/hosts?filter=hostName eq 'web1'");
  assert.equal((hosts.body as { hosts: { nbuHostType: string }[] }).hosts[0]?.nbuHostType, "CLIENT");
  assert.ok(!hosts.text.includes("identity"));
  const policies = "POST /config/policies";
  await primary.expect(400, policies, { body: clientPolicy("nobody", "nobody", [source]) });
  await primary.expect(204, policies, { body: clientPolicy("web", "web1", [source]) });
  await primary.expect(204, policies, {
    body: clientPolicy(
      "web-daily",
      "web1",
      [source, at("missing"), "/proc/1/mem"],
      "Differential Incremental Backup",
    ),
  });
  const full = await primary.backUp("web");
  assert.equal(full.status, 0, await primary.log(full.jobId));
  assert.match(full.backupId ?? "", /^web1_\d+$/);
  assert.equal((await primary.job(full.jobId))["destinationStorageUnitName"], "client_web1");

  // Vanished and unreadable ones leave an image of the rest.
  const partial = await primary.startBackup("web-daily");
  assert.equal((await primary.journal.jobDone(partial)).status, 1, await primary.log(partial));
  assert.match(await primary.log(partial), /missing does not exist on web1/);
  assert.match(await primary.log(partial), /\/proc\/1\/mem/);
  await primary.expect(204, policies, { body: clientPolicy("gone", "web1", [at("missing")]) });
  assert.equal((await primary.backUp("gone")).status, 71);

  // To the same client, elsewhere; what is there is left alone unless it may be overwritten.
  const backupId = full.backupId ?? "";
  const rename = at("restored", "deeper");
  const first = await restore(primary, "web1", "web1", { backupId, path: source, rename });
  assert.equal(first.status, 0, first.log);
  assert.deepEqual(tree(rename), tree(source));
  await writeFile(join(rename, "run"), "changed");
  const careful = await restore(primary, "web1", "web1", { backupId, path: source, rename });
  assert.equal(careful.status, 1, careful.log);
  assert.match(careful.log, /run exists and was left as it is/);
  assert.equal(await readFile(join(rename, "run"), "utf8"), "changed");
  const bold = await restore(primary, "web1", "web1", {
    backupId,
    path: join(source, "run"),
    rename: join(rename, "run"),
    overwrite: true,
  });
  assert.equal(bold.status, 0, bold.log);
  assert.equal(await readFile(join(rename, "run"), "utf8"), "#!/bin/sh\n");
  await symlink("/etc", at("way"));
  const through = await restore(primary, "web1", "web1", { backupId, path: source, rename: at("way", "x") });
  assert.equal(through.status, 5, through.log);
  assert.match(through.log, /is a symbolic link/);
  // To this machine; but nothing of the shared repository to a client.
  const here = await restore(primary, "web1", clientName, { backupId, path: source, rename: at("here") });
  assert.equal(here.status, 0, here.log);
  assert.deepEqual(tree(at("here")), tree(source));
  await primary.createPolicy("local", [source]);
  const local = await primary.backUp("local");
  await primary.expect(
    400,
    `POST ${recoverPath}`,
    restoreParts(clientName, "web1", { backupId: local.backupId ?? "", path: source, rename: at("x") }),
  );
  // Nobody else's backup goes where the client can read.
  const mixed = policyBody("mixed", [source]);
  Object.assign(mixed.data.attributes.policy.policyAttributes, { storage: "client_web1" });
  await primary.expect(204, policies, { body: mixed });
  const refused = await primary.backUp("mixed");
  assert.equal(refused.status, 2106, await primary.log(refused.jobId));
  assert.deepEqual(
    (await readdir(folder.path)).filter((name) => name.startsWith(".")),
    [],
  );

  // While one runs: nothing secret is in any command line, and a cancel ends it on both sides.
  const endless = at("endless");
  await writeFile(endless, "");
  await truncate(endless, 2 ** 43);
  await primary.expect(204, policies, { body: clientPolicy("endless", "web1", [endless]) });
  const running = async () => {
    const jobId = await primary.startBackup("endless");
    await primary.event("job.progress", jobId);
    return jobId;
  };
  const cancelled = await running();
  const password = (await readFile(join(dataDir, "storage", "client_web1", "password"), "utf8")).trim();
  assert.ok(commandLines(`--tag=job=${cancelled}`).length > 0);
  assert.deepEqual(commandLines(password), []);
  await primary.expect(202, `POST /admin/jobs/${cancelled}/cancel`);
  assert.equal((await primary.journal.jobDone(cancelled)).status, 150);
  while (commandLines(`--tag=job=${cancelled}`).length > 0) await delay(20);
  assert.deepEqual(await readdir(join(dataDir, "storage", "client_web1", "repository", "locks")), []);

  // The client goes away in the middle; then it is off.
  const cut = await running();
  await sshd.stop();
  assert.equal((await primary.journal.jobDone(cut)).status, 40, await primary.log(cut));
  assert.match(await primary.log(cut), /the connection to the client was lost/);
  const failsWith = async (status: number, message: RegExp) => {
    const { jobId, status: found } = await primary.backUp("web");
    assert.equal(found, status, await primary.log(jobId));
    assert.match(await primary.log(jobId), message);
  };
  await failsWith(57, /check that sshd runs there/);
  await sshd.start();
  await chmod(common.keyFile, 0o644);
  await failsWith(59, /others may read/);
  await chmod(common.keyFile, 0o600);
  // It lets in another key only.
  const other = at("other");
  execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", other]);
  const clients = clientFile(dataDir);
  await clients.remove("web1");
  await clients.add({ ...web1, keyFile: other });
  await failsWith(59, /does not let the primary's key in/);
  await clients.remove("web1");
  await clients.add(web1);
  // It shows another host key.
  await sshd.stop();
  sshd.replaceHostKey();
  await sshd.start();
  await failsWith(58, /another host key than the pinned one/);
  assert.equal((await checkClient(dataDir, web1)).status, 58);
  const images = await primary.expect(200, "/catalog/images?filter=clientName eq 'web1'");
  assert.equal((images.body as { data: unknown[] }).data.length, 2);
});
