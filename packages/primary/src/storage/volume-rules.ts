import { PrimaryError } from "../errors.ts";
import { isWithin, pathProblem } from "../restore/path-rules.ts";
import { rcloneRemotes } from "./rclone-config.ts";
import type { StorageConfiguration } from "./storage-configuration.ts";
import type { StorageServer } from "./storage-server.ts";

const segments = String.raw`[A-Za-z0-9_][A-Za-z0-9._-]*`;
const volumeRules = {
  s3: {
    pattern: new RegExp(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/${segments})*$`),
    form: "BUCKET or BUCKET/PREFIX",
  },
  rest: { pattern: new RegExp(`^${segments}(/${segments})*$`), form: "a path below the server's URL" },
} as const;

/** What is wrong with the name of a server's volume, which is where its repository lies; undefined when nothing is. */
export function volumeProblem(server: StorageServer | undefined, volume: string): string | undefined {
  if (volume.length > 1024) return "must be shorter";
  if (server === undefined || server.kind === "sftp") {
    return volume === "/" ? "must not be the root" : pathProblem(volume);
  }
  if (server.kind === "rclone") {
    const at = volume.indexOf(":");
    const [remote, path] = [volume.slice(0, at), volume.slice(at + 1)];
    const known = rcloneRemotes(server.config);
    if (at < 1 || !known.includes(remote)) {
      return `must be REMOTE:PATH with a remote of the configuration (${known.join(", ")})`;
    }
    const isPlain = /^[^\p{Cc}]*$/u.test(path) && !path.split("/").includes("..");
    return isPlain && path !== "" ? undefined : "must have a path after the remote, without ..";
  }
  const { pattern, form } = volumeRules[server.kind];
  return pattern.test(volume) ? undefined : `must be ${form}`;
}

/**
 * Checks where a new disk pool's repository is to lie.
 * @throws PrimaryError `invalid_request`, `already_exists` when another pool lies there
 */
export function checkVolume(
  { pools, servers }: Pick<StorageConfiguration, "pools" | "servers">,
  { server: id, volume }: { server: string | null; volume: string },
  dataDir: string,
): void {
  const server = id !== null && Object.hasOwn(servers, id) ? servers[id] : undefined;
  if (id !== null && server === undefined) {
    throw new PrimaryError("invalid_request", `there is no storage server "${id}": make it first`, {
      attributeErrors: { storageServers: `not "${id}"` },
    });
  }
  const isOwn = id === null && (isWithin(volume, dataDir) || isWithin(dataDir, volume));
  const problem =
    volumeProblem(server, volume) ?? (isOwn ? "must not hold the primary's own data" : undefined);
  if (problem !== undefined) {
    throw new PrimaryError("invalid_request", `the volume "${volume}" ${problem}`, {
      attributeErrors: { diskVolumes: problem },
    });
  }
  const taken = Object.entries(pools).find(([, pool]) => pool.server === id && overlap(pool.volume, volume));
  if (taken !== undefined) {
    throw new PrimaryError("already_exists", `the disk pool "${taken[0]}" lies there already`);
  }
}

function overlap(one: string, other: string): boolean {
  return isWithin(one, other) || isWithin(other, one);
}
