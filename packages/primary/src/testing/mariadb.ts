import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { userInfo } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** A MariaDB server of one test, on a socket in its folder only. */
export interface TestMariadb extends AsyncDisposable {
  socket: string;
  /** An option file with the password of the user `backup`. */
  credentialFile: string;
  query: (database: string, sql: string) => Promise<string>;
  /** Restores a dump as an administrator would. */
  restore: (database: string, file: string) => Promise<void>;
  stop: () => Promise<void>;
}

/**
 * Starts a server with a user `backup` who may read everything and has to show a password.
 * @param folder for the credential file
 */
export async function startMariadb(folder: string): Promise<TestMariadb> {
  // A path that is short enough for a socket.
  const root = await mkdtemp("/tmp/sallyport-maria-");
  const [data, socket] = [join(root, "data"), join(root, "socket")];
  const common = ["--no-defaults", `--datadir=${data}`, `--user=${userInfo().username}`];
  await run("mariadb-install-db", [
    ...common,
    "--auth-root-authentication-method=normal",
    "--skip-test-db",
    "--innodb-log-file-size=4M",
  ]);
  const server = spawn(
    // Not on the path of every user.
    "/usr/sbin/mariadbd",
    [
      ...common,
      `--socket=${socket}`,
      "--skip-networking",
      "--innodb-flush-log-at-trx-commit=0",
      "--innodb-buffer-pool-size=8M",
      `--pid-file=${join(root, "pid")}`,
    ],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  const ended = once(server, "exit");
  let log = "";
  await new Promise<void>((resolve, reject) => {
    server.stderr.setEncoding("utf8").on("data", (text: string) => {
      log += text;
      if (log.includes("ready for connections")) resolve();
    });
    void ended.then(() => reject(new Error(`mariadbd has ended: ${log}`)));
  });
  const asRoot = ["--no-defaults", `--socket=${socket}`, "--user=root", "--batch", "--skip-column-names"];
  const query = async (database: string, sql: string) =>
    (await run("mariadb", [...asRoot, "-e", sql, database])).stdout.trim();
  const password = "right-password-of-the-test";
  const credentialFile = join(folder, "backup.cnf");
  await writeFile(credentialFile, `[client]\npassword=${password}\n`, { mode: 0o600 });
  await query(
    "mysql",
    `CREATE USER backup@localhost IDENTIFIED BY '${password}'; GRANT SELECT, SHOW VIEW, TRIGGER, EVENT, LOCK TABLES ON *.* TO backup@localhost`,
  );
  const stop = async () => {
    if (server.exitCode === null) server.kill("SIGKILL");
    await ended;
    await rm(root, { recursive: true, force: true });
  };
  return {
    socket,
    credentialFile,
    query,
    restore: async (database, file) => {
      await run("mariadb", [...asRoot, "-e", `source ${file}`, database]);
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
