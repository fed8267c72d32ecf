import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { chown, mkdtemp, rm, writeFile } from "node:fs/promises";
import { globSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** A PostgreSQL server of one test, on a socket in its folder only. */
export interface TestPostgresql extends AsyncDisposable {
  /** The folder of its socket. */
  socket: string;
  /** A pgpass file with the password of the user `backup`. */
  credentialFile: string;
  query: (database: string, sql: string) => Promise<string>;
  /** Restores a dump as an administrator would. */
  restore: (database: string, file: string) => Promise<void>;
  stop: () => Promise<void>;
}

/**
 * Starts a server with a superuser `backup` who has to show a password. PostgreSQL refuses to run as root, so that its data
 * lies in a folder of its own that its user may reach, with a path that is short enough for a socket.
 * @param folder for the credential file
 */
export async function startPostgresql(folder: string): Promise<TestPostgresql> {
  const [initdb] = globSync("/usr/lib/postgresql/*/bin/initdb").sort().toReversed();
  const bin = initdb === undefined ? "" : initdb.slice(0, -"initdb".length);
  const isRoot = process.getuid?.() === 0;
  const asUser = (program: string, args: string[]): [string, string[]] =>
    isRoot
      ? ["setpriv", ["--reuid=postgres", "--regid=postgres", "--clear-groups", "--", program, ...args]]
      : [program, args];
  const password = "right-password-of-the-test";
  const data = await mkdtemp("/tmp/sallyport-pg-");
  const passwordFile = join(data, "password");
  const credentialFile = join(folder, "pgpass");
  await writeFile(passwordFile, password, { mode: 0o600 });
  await writeFile(credentialFile, `*:*:*:backup:${password}\n`, { mode: 0o600 });
  if (isRoot) {
    const uid = Number((await run("id", ["-u", "postgres"])).stdout);
    for (const path of [data, passwordFile]) await chown(path, uid, -1);
  }
  const cluster = join(data, "cluster");
  const options = ["--username=backup", `--pwfile=${passwordFile}`, "--auth=scram-sha-256", "--no-sync"];
  await run(...asUser(`${bin}initdb`, ["-D", cluster, "-E", "UTF8", "--locale=C", ...options]), { cwd: "/" });
  const settings = [
    "listen_addresses=",
    `unix_socket_directories=${data}`,
    "fsync=off",
    "shared_buffers=8MB",
  ];
  const server = spawn(
    ...asUser(`${bin}postgres`, ["-D", cluster, ...settings.flatMap((setting) => ["-c", setting])]),
    {
      cwd: "/",
      stdio: ["ignore", "ignore", "pipe"],
    },
  );
  const ended = once(server, "exit");
  let log = "";
  await new Promise<void>((resolve, reject) => {
    server.stderr?.setEncoding("utf8").on("data", (text: string) => {
      log += text;
      if (log.includes("ready to accept connections")) resolve();
    });
    void ended.then(() => reject(new Error(`postgres has ended: ${log}`)));
  });
  const env = { PATH: process.env["PATH"] ?? "", PGPASSFILE: credentialFile, PGUSER: "backup", PGHOST: data };
  const stop = async () => {
    if (server.exitCode === null) server.kill("SIGINT");
    await ended;
    await rm(data, { recursive: true, force: true });
  };
  return {
    socket: data,
    credentialFile,
    query: async (database, sql) => {
      const args = ["--no-psqlrc", "-At", "-v", "ON_ERROR_STOP=1", "-d", database, "-c", sql];
      return (await run("psql", args, { env })).stdout.trim();
    },
    restore: async (database, file) => {
      await run("pg_restore", ["--exit-on-error", "-d", database, file], { env });
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
