import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, chownSync, copyFileSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";

const main = join(import.meta.dirname, "..", "..", "packages", "cli", "src", "main.ts");
/** A user that has no name and no files on any machine that tests run on. */
const uid = 64_321;
const asUser = [
  `--reuid=${uid}`,
  `--regid=${uid}`,
  "--clear-groups",
  "--no-new-privs",
  "--bounding-set=-all",
  "--inh-caps=-all",
  "--ambient-caps=-all",
];

/** Why a unit's command can't be run as a user of its own here; undefined when it can. */
export function whyNoUser(): string | undefined {
  const { status } = spawnSync("setpriv", [...asUser, process.execPath, "--check", main]);
  return status === 0 ? undefined : "needs root, setpriv, and the repository where every user may read it";
}

/** A unit of systemd as far as its command is concerned, run below `dir` instead of `/var` and `/etc`. */
export async function startUnit(
  file: string,
  dir: string,
  options: string,
  credentials: Record<string, string> = {},
) {
  const settings = readUnit(readFileSync(file, "utf8"));
  const of = (name: string) => settings.get(name)?.at(-1) ?? "";
  // Whoever is not its owner may pass through, as through /var/lib.
  chmodSync(dir, 0o711);
  const folders = {
    STATE_DIRECTORY: folderOf(dir, "lib", of("StateDirectory")),
    CACHE_DIRECTORY: folderOf(dir, "cache", of("CacheDirectory")),
    CREDENTIALS_DIRECTORY: folderOf(dir, "credentials", Object.keys(credentials).length === 0 ? "" : "all"),
  };
  for (const [name, source] of Object.entries(credentials)) {
    const copy = join(folders.CREDENTIALS_DIRECTORY, name);
    copyFileSync(source, copy);
    chownSync(copy, uid, uid);
    chmodSync(copy, 0o400);
  }
  const here = (text: string) =>
    text.replaceAll("/var/lib/", `${dir}/lib/`).replaceAll("/var/cache/", `${dir}/cache/`);
  const own = (settings.get("Environment") ?? []).map((line) => here(line).split("=", 2) as [string, string]);
  // What systemd gives a service, and nothing of this process.
  const env: Record<string, string> = {
    PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin",
    HOME: "/",
    SALLYPORT_OPTIONS: options,
    ...Object.fromEntries(Object.entries(folders).filter(([, path]) => path !== "")),
    ...Object.fromEntries(own),
  };
  const [program, ...args] = here(of("ExecStart"))
    .replaceAll(/(127\.0\.0\.1):\d+/g, "$1:0")
    .split(" ");
  if (program !== "/usr/local/bin/sallyport") throw new Error(`${file} starts another program: ${program}`);
  const expanded = args.flatMap((arg) =>
    arg.startsWith("$S")
      ? (env[arg.slice(1)] ?? "").split(" ").filter((word) => word !== "")
      : [arg.replaceAll(/\$\{(\w+)\}/g, (_whole, name: string) => env[name] ?? "")],
  );
  const withUmask = ["sh", "-c", `umask ${of("UMask")}; exec "$0" "$@"`, process.execPath, main, ...expanded];
  const child = spawn("setpriv", [...asUser, ...withUmask], {
    env,
    cwd: "/",
    stdio: ["ignore", "pipe", "pipe"],
  });
  const exited = once(child, "exit") as Promise<[number | null]>;
  const log: string[] = [];
  createInterface({ input: child.stderr }).on("line", (line) => log.push(line));
  const announced = once(createInterface({ input: child.stdout }), "line");
  return {
    uid,
    stateDir: folders.STATE_DIRECTORY,
    log,
    /** Waits until it says that it is there: from then on it hears signals. */
    async announced(): Promise<void> {
      const ended = exited.then(([code]) => {
        throw new Error(`it ended with ${code}:\n${log.join("\n")}`);
      });
      ended.catch(() => {});
      await Promise.race([announced, ended]);
    },
    /** ExecReload. */
    reload: () => child.kill("SIGHUP"),
    /** What systemd does to stop it; its exit code. */
    async stop(): Promise<number | null> {
      child.kill("SIGTERM");
      return (await exited)[0];
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
      await exited;
    },
  };
}

/** The settings of a unit's file, by name, each as often as it is there. */
function readUnit(text: string): Map<string, string[]> {
  const settings = new Map<string, string[]>();
  for (const [, name = "", value = ""] of text.matchAll(/^([A-Z]\w+)=(.*)$/gm)) {
    settings.set(name, [...(settings.get(name) ?? []), value]);
  }
  return settings;
}

/** A folder as systemd makes it for a service; an empty text for none. */
function folderOf(dir: string, kind: string, name: string): string {
  if (name === "") return "";
  const path = join(dir, kind, name);
  mkdirSync(path, { recursive: true, mode: 0o755 });
  chownSync(path, uid, uid);
  chmodSync(path, 0o700);
  return path;
}
