// ssh -R: carries bytes only. TLS is the target's own, from the client through the tunnel: nothing in between reads HTTP.
import { execFileSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { freePort, startDaemon, versionOf } from "../daemon.ts";
import { number, runProgram, text } from "../program.ts";

runProgram({
  async server(config) {
    const dir = join(text(config, "dir"), "ssh");
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    for (const name of ["host", "client"]) {
      execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", join(dir, name)]);
    }
    copyFileSync(join(dir, "client.pub"), join(dir, "authorized_keys"));
    chmodSync(join(dir, "authorized_keys"), 0o600);
    // Debian's sshd wants its empty folder, which the service would make.
    if (userInfo().uid === 0) mkdirSync("/run/sshd", { recursive: true, mode: 0o755 });
    const sshPort = await freePort();
    const file = join(dir, "sshd_config");
    writeFileSync(
      file,
      [
        `ListenAddress 127.0.0.1:${sshPort}`,
        `HostKey ${dir}/host`,
        `AuthorizedKeysFile ${dir}/authorized_keys`,
        `PidFile ${dir}/sshd.pid`,
        "PermitRootLogin prohibit-password",
        "PasswordAuthentication no",
        "StrictModes no",
        "UsePAM no",
        "",
      ].join("\n"),
    );
    const daemon = await startDaemon("/usr/sbin/sshd", ["-D", "-e", "-f", file], sshPort);
    return { facts: { sshPort, sshDir: dir, version: await versionOf("ssh", ["-V"]) }, stop: daemon.stop };
  },
  async client(config) {
    const dir = text(config, "sshDir");
    const port = await freePort();
    const options = [
      "StrictHostKeyChecking=no",
      `UserKnownHostsFile=${dir}/known`,
      "ExitOnForwardFailure=yes",
    ];
    const target = `127.0.0.1:${number(config, "secureTargetPort")}`;
    const args = [
      "-N",
      "-T",
      "-F",
      "/dev/null",
      "-i",
      `${dir}/client`,
      "-p",
      String(number(config, "sshPort")),
    ];
    args.push(...options.flatMap((option) => ["-o", option]), "-R", `127.0.0.1:${port}:${target}`);
    args.push(`${userInfo().username}@127.0.0.1`);
    const daemon = await startDaemon("ssh", args, port);
    return { facts: { port }, stop: daemon.stop };
  },
});
