import { execFileSync, spawnSync } from "node:child_process";
import { lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { link, mkdir, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { pathText } from "../storage/path-text.ts";

const isRoot = process.getuid?.() === 0;
const slash = Buffer.from("/");

/** A path below a folder, whose name may be any bytes (written as latin1). */
export function below(folder: string | Buffer, name: string): Buffer {
  return Buffer.concat([Buffer.from(folder), slash, Buffer.from(name, "latin1")]);
}

/**
 * Makes a tree of everything that names, links, kinds of files and their attributes may be.
 * @returns why something is missing in it: what this user, file system or machine can't do
 */
export async function makeOddTree(root: string): Promise<string[]> {
  const missing: string[] = [];
  const run = (what: string, program: string, ...args: string[]) => {
    const { error, status, stderr } = spawnSync(program, args, { encoding: "utf8" });
    if (status !== 0) missing.push(`${what}: ${error?.message ?? stderr.trim()}`);
  };
  const folder = "folder [x] *?";
  await mkdir(join(root, folder), { recursive: true });
  const names = [
    "-rf",
    "--include=x",
    "new\nline",
    "\n",
    "*",
    "[a]",
    "back\\slash",
    "a".repeat(255),
    "ü".repeat(127),
  ];
  names.push("'", '"', "$(x)", " ", "tab\t", "\u001B[31m", "%2F", "#", "~", "ü", "!a", "\uFFFD", "\uFFFDff");
  for (const name of names) await writeFile(join(root, name), `content of ${name}`);
  const odd = ["f\xff\xfe", "caf\xe9", "f?\xff", "\xed\xa0\x80", "\xc3", "nl\n\xff"];
  for (const name of odd) await writeFile(below(root, name), `content of ${name}`);
  await mkdir(below(root, "d\xe9"));
  await writeFile(below(below(root, "d\xe9"), "in\xe9"), "in an odd folder");
  await writeFile(join(root, folder, "run"), "#!/bin/sh\n", { mode: 0o700 });
  await symlink("/etc/passwd", join(root, "absolute"));
  await symlink("nowhere", join(root, "dangling"));
  await symlink("loop", join(root, "loop"));
  await symlink("../outside", join(root, "out"));
  // Restic before 0.16 keeps the names of links as they are, but no target that is not UTF-8.
  await symlink("caf\uFFFD", below(root, "link\xe9"));
  await link(join(root, "ü"), join(root, folder, "hard link"));
  await writeFile(join(root, "empty"), "");
  await mkdir(join(root, "nothing in it"));
  await writeFile(join(root, "sparse"), "");
  run("sparse files", "truncate", "--size=3M", join(root, "sparse"));
  let deep = root;
  // Restored below a staging folder it has to fit into PATH_MAX twice.
  while (deep.length < 4095 - 400 - root.length) deep = join(deep, "d".repeat(200));
  await mkdir(deep, { recursive: true });
  await writeFile(join(deep, "deepest"), "deep");
  run("FIFOs", "mkfifo", join(root, "fifo"));
  await makeSocket(join(root, "socket"));
  const attributed = join(root, folder, "run");
  run("xattrs", "setfattr", "-n", "user.sallyport", "-v", "0x00ff0a", attributed);
  run("xattrs of folders", "setfattr", "-n", "user.sallyport", "-v", "folder", join(root, folder));
  run("ACLs", "setfacl", "-m", "u:12345:rx,g:54321:r", attributed);
  run("default ACLs", "setfacl", "-d", "-m", "u:12345:rwx", join(root, "nothing in it"));
  if (isRoot) {
    run("devices", "mknod", join(root, "device"), "c", "1", "3");
    run(
      "owners",
      "chown",
      "--no-dereference",
      "12345:54321",
      join(root, "ü"),
      join(root, "dangling"),
      attributed,
    );
  } else missing.push("devices, owners: only root can make them");
  run("setuid", "chmod", "4751", attributed);
  run("setgid and sticky", "chmod", "3770", join(root, "nothing in it"));
  run("unreadable modes", "chmod", "000", join(root, "empty"));
  const touch = (seconds: string, ...paths: string[]) =>
    run("times", "touch", "--no-dereference", "-d", `@${seconds}`, ...paths);
  touch("1000000000.123456789", join(root, "ü"), join(root, "dangling"), join(root, "fifo"));
  touch("-1.5", join(root, "-rf"));
  touch("4102444800.000000001", join(root, "nothing in it"), join(root, folder));
  return missing;
}

async function makeSocket(path: string): Promise<void> {
  // Closing the server removes its file: another name for it stays.
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(`${path}.server`, resolve));
  await link(`${path}.server`, path);
  await new Promise((resolve) => server.close(resolve));
}

/**
 * Everything that a restore has to bring back, a line for each entry: name, kind, mode, owner, time to the nanosecond, size,
 * content or target, hard links, extended attributes with ACLs.
 */
export function describeTree(root: string | Buffer): string[] {
  const lines: string[] = [];
  const inodes = new Map<bigint, string>();
  const visit = (path: Buffer, shown: string): void => {
    const found = lstatSync(path, { bigint: true });
    const { mode, uid, gid, mtimeNs, ino, nlink, rdev } = found;
    const content = found.isFile()
      ? readFileSync(path)
          .toString("hex")
          .replace(/(00)+$/, "")
      : "";
    const target = found.isSymbolicLink() ? pathText(readlinkSync(path, { encoding: "buffer" })) : "";
    const twin = nlink > 1n && found.isFile() ? (inodes.get(ino) ?? "first") : "";
    inodes.set(ino, shown);
    const size = found.isFile() ? found.size : 0n;
    const device = found.isCharacterDevice() ? rdev : "";
    lines.push([shown, mode.toString(8), uid, gid, mtimeNs, size, content, target, twin, device].join(" "));
    if (!found.isDirectory()) return;
    const names = readdirSync(path, { encoding: "buffer" });
    for (const name of names.sort((a, b) => a.compare(b))) {
      visit(Buffer.concat([path, slash, name]), `${shown}/${pathText(name)}`);
    }
  };
  visit(Buffer.from(root), ".");
  return [...lines, ...attributesOf(root)];
}

/** By `getfattr`, where there is one. */
function attributesOf(root: string | Buffer): string[] {
  // It has no way to name a root that is no text.
  if (Buffer.isBuffer(root) || spawnSync("getfattr", ["--version"]).error !== undefined) return [];
  const args = [
    "--recursive",
    "--no-dereference",
    "--physical",
    "--dump",
    "--match=-",
    "--encoding=hex",
    ".",
  ];
  const output = execFileSync("getfattr", args, { cwd: root, encoding: "latin1" });
  return output.split("\n\n").toSorted();
}
