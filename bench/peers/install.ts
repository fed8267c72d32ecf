import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * Installs the peers from npm into a folder of their own, once for each lock file.
 * @returns why it was not possible; undefined when they are there
 */
export function installPeers(): string | undefined {
  const dir = import.meta.dirname;
  const lock = readFileSync(join(dir, "package-lock.json"), "utf8");
  const stamp = join(dir, "node_modules", ".sallyport-lock");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === lock) return undefined;
  process.stderr.write("bench: installing the peers from npm (npm ci in bench/peers)\n");
  // None of them needs an install script, so none is run.
  const args = ["ci", "--no-audit", "--no-fund", "--ignore-scripts"];
  const done = spawnSync("npm", args, { cwd: dir, encoding: "utf8" });
  if (done.status !== 0) return `npm ci in bench/peers failed: ${done.stderr.slice(-500)}`;
  writeFileSync(stamp, lock);
  return undefined;
}

/** The installed version of a peer's package. */
export function packageVersion(name: string): string {
  const file = join(import.meta.dirname, "node_modules", name, "package.json");
  return existsSync(file)
    ? (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version
    : "unknown";
}
