import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync, rmSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { userInfo } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { ensureServerCertificate } from "@sallyport/certificates";
import { freePort } from "../../../../tests/kit/sallyport.ts";

/** A server of storage that runs, with what a primary has to know of it (`sallyport` of a storage server). */
export interface StorageServerProcess extends AsyncDisposable {
  definition: Readonly<Record<string, unknown>> & { kind: string };
  /** What the volume of a new repository may be called. */
  volume: (name: string) => string;
  /** The folder where that lies on the server. */
  folderOf: (name: string) => string;
  /** What must be seen nowhere. */
  secrets: readonly string[];
  /** Ends it with all its connections, as a machine that is switched off; it can be started again. */
  stop: () => Promise<void>;
  start: () => Promise<void>;
}

/** Waits until something accepts connections, or its process has ended. */
async function accepting(port: number, child: ChildProcess): Promise<void> {
  for (;;) {
    if (child.exitCode !== null) throw new Error(`${child.spawnfile} ended with ${child.exitCode}`);
    const socket = connect(port, "127.0.0.1");
    const isUp = await Promise.race([
      once(socket, "connect").then(() => true),
      once(socket, "error").then(() => false),
    ]).catch(() => false);
    socket.destroy();
    if (isUp) return;
    await delay(20);
  }
}

/** A process that is started and stopped as a whole, with those that it makes for each connection. */
function switched(command: string, args: readonly string[], port: number) {
  let child: ChildProcess | undefined;
  const start = async () => {
    child = spawn(command, args, { stdio: "ignore", detached: true });
    await accepting(port, child);
  };
  const stop = async () => {
    const running = child;
    child = undefined;
    if (running?.pid === undefined || running.exitCode !== null) return;
    const ended = once(running, "exit");
    killTree(running.pid);
    await ended;
  };
  return { start, stop, [Symbol.asyncDispose]: stop };
}

/**
 * Ends a process and those below it, which for sshd are in sessions of their own. From the top down: an sshd must not tell the
 * other side anymore how its commands ended.
 */
function killTree(pid: number): void {
  for (const one of [pid, ...processesBelow(pid)]) {
    try {
      process.kill(one, "SIGKILL");
    } catch {
      // It has just ended by itself.
    }
  }
}

function processesBelow(pid: number): number[] {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ");
    return children
      .filter((one) => one.trim() !== "")
      .map(Number)
      .flatMap((child) => [child, ...processesBelow(child)]);
  } catch {
    // It has just ended by itself.
    return [];
  }
}

/** What only an SSH server has. */
interface SshServer {
  hostKeyFile: string;
  /** It shows another key from its next start on. */
  replaceHostKey: () => void;
}

/** An sshd of its own, with a key of its own, that lets one key in. */
export async function startSshd(root: string): Promise<StorageServerProcess & SshServer> {
  const port = await freePort();
  await mkdir(root, { recursive: true });
  const [hostKey, identity] = [join(root, "host_key"), join(root, "identity")];
  const makeKey = (file: string) => {
    // It would ask whether to replace one.
    rmSync(file, { force: true });
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "", "-f", file]);
  };
  for (const file of [hostKey, identity]) makeKey(file);
  const config = {
    Port: port,
    ListenAddress: "127.0.0.1",
    HostKey: hostKey,
    PidFile: "none",
    AuthorizedKeysFile: `${identity}.pub`,
    StrictModes: "no",
    UsePAM: "no",
    PasswordAuthentication: "no",
    Subsystem: "sftp internal-sftp",
  };
  const configFile = join(root, "sshd_config");
  await writeFile(
    configFile,
    Object.entries(config)
      .map(([name, value]) => `${name} ${value}\n`)
      .join(""),
  );
  // Where Debian's sshd separates privileges.
  if (process.getuid?.() === 0) await mkdir("/run/sshd", { recursive: true });
  const server = switched("/usr/sbin/sshd", ["-D", "-e", "-f", configFile], port);
  await server.start();
  const privateKey = await readFile(identity, "utf8");
  return {
    ...server,
    definition: {
      kind: "sftp",
      host: "127.0.0.1",
      port,
      user: userInfo().username,
      hostKeys: [(await readFile(`${hostKey}.pub`, "utf8")).split(" ").slice(0, 2).join(" ").trim()],
      privateKey,
    },
    volume: (name) => join(root, name),
    folderOf: (name) => join(root, name),
    secrets: [privateKey.split("\n")[1] ?? ""],
    hostKeyFile: `${hostKey}.pub`,
    replaceHostKey: () => makeKey(hostKey),
  };
}

/** `rclone serve restic`, which is a REST server, with TLS and a password. */
export async function startRestServer(root: string): Promise<StorageServerProcess> {
  const port = await freePort();
  await mkdir(root, { recursive: true });
  const certificate = await ensureServerCertificate({
    dir: join(root, "tls"),
    owner: "a REST server",
    hostNames: ["localhost", "127.0.0.1"],
    nowMs: Date.now(),
  });
  const [certFile, keyFile] = [join(root, "cert.pem"), join(root, "key.pem")];
  await writeFile(certFile, certificate.certPem);
  await writeFile(keyFile, certificate.keyPem, { mode: 0o600 });
  const password = "p:w@/ä x";
  const folder = join(root, "data");
  const tls = ["--cert", certFile, "--key", keyFile];
  const login = ["--user", "backup", "--pass", password];
  const address = ["--addr", `127.0.0.1:${port}`, "--config", join(root, "none.conf")];
  const server = switched("rclone", ["serve", "restic", ...tls, ...login, ...address, folder], port);
  await server.start();
  return {
    ...server,
    definition: {
      kind: "rest",
      url: `https://127.0.0.1:${port}`,
      user: "backup",
      password,
      caPem: certificate.caPem,
    },
    volume: (name) => name,
    folderOf: (name) => join(folder, name),
    secrets: [password, encodeURIComponent(password)],
  };
}

/** Whether the installed rclone has an S3 server (1.65 and later). */
export function hasS3Server(): boolean {
  return execFileSync("rclone", ["serve", "--help"], { encoding: "utf8" }).includes("\n  s3 ");
}

/** `rclone serve s3`, with one bucket. */
export async function startS3Server(root: string): Promise<StorageServerProcess> {
  const port = await freePort();
  const folder = join(root, "data");
  await mkdir(join(folder, "bucket"), { recursive: true });
  const [accessKeyId, secretAccessKey] = ["backup", "secret+key/of=S3"];
  const address = ["--addr", `127.0.0.1:${port}`, "--config", join(root, "none.conf")];
  const keys = ["--auth-key", `${accessKeyId},${secretAccessKey}`];
  const server = switched("rclone", ["serve", "s3", ...address, ...keys, folder], port);
  await server.start();
  return {
    ...server,
    definition: { kind: "s3", endpoint: `http://127.0.0.1:${port}`, accessKeyId, secretAccessKey },
    volume: (name) => `bucket/${name}`,
    folderOf: (name) => join(folder, "bucket", name),
    secrets: [secretAccessKey],
  };
}
