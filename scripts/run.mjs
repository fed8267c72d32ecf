// Runs one of the repository's scripts on a fresh clone, with nothing but some Node ≥ 20 and npm:
// installs the npm packages (with them Node 24), then the programs named by --needs, then starts
// the script under Node 24. Plain JavaScript and built-in modules only, because it runs before
// anything is installed.
//
//   node scripts/run.mjs [--needs restic,chromium,console] [--wants nginx,redis-server] SCRIPT [ARG ...]
//
// What is needed and can't be had ends it; what is only wanted is told, and the script does without.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const argv = process.argv.slice(2);
const listed = (flag) => (argv[0] === flag ? argv.splice(0, 2)[1].split(",") : []);
const needs = listed("--needs");
const wants = listed("--wants");

/** The Debian package that brings each program. */
const debianPackages = {
  restic: "restic",
  chromium: "chromium",
  certutil: "libnss3-tools",
  wrk: "wrk",
  nginx: "nginx-light",
  "redis-server": "redis-server",
  "nats-server": "nats-server",
  pg_ctlcluster: "postgresql",
  "mariadb-install-db": "mariadb-server-core",
  mysqldump: "mariadb-client",
  ssh: "openssh-client",
  sshd: "openssh-server",
  curl: "curl",
  "python3-requests": "python3-requests",
  "perl-lwp": "liblwp-protocol-https-perl",
  rclone: "rclone",
};

function fail(message) {
  process.stderr.write(`sallyport: ${message}\n`);
  process.exit(1);
}

function run(title, command, args, options = {}) {
  process.stderr.write(`sallyport: ${title}\n`);
  const done = spawnSync(command, args, {
    cwd: root,
    stdio: ["ignore", "pipe", "pipe"],
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
    ...options,
  });
  if (done.status === 0) return;
  process.stderr.write(done.stdout ?? "");
  process.stderr.write(done.stderr ?? "");
  const why = done.error?.message ?? `it exited with ${done.status ?? done.signal}`;
  fail(`"${command} ${args.join(" ")}" failed: ${why}`);
}

function ensureNpmPackages() {
  const lock = createHash("sha256")
    .update(readFileSync(join(root, "package-lock.json")))
    .digest("hex");
  const stamp = join(root, "node_modules", ".sallyport-lock");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === lock) return;
  run("installing npm packages (npm ci)", "npm", ["ci", "--no-audit", "--no-fund"]);
  writeFileSync(stamp, lock);
}

/** What is no program but a library of one: how that program says that it is there, its own or the system's. */
const libraries = {
  "python3-requests": ["python3", ["-c", "import requests"]],
  "perl-lwp": ["perl", ["-MLWP::UserAgent", "-MLWP::Protocol::https", "-MJSON::PP", "-e", "1"]],
};

function isThere(need) {
  if (libraries[need] === undefined) return isOnPath(need);
  const [program, args] = libraries[need];
  return [program, `/usr/bin/${program}`].some(
    (name) => spawnSync(name, args, { stdio: "ignore" }).status === 0,
  );
}

function isOnPath(program) {
  return (process.env.PATH ?? "").split(":").some((dir) => dir !== "" && existsSync(join(dir, program)));
}

function wantProgram(program) {
  if (isOnPath(program)) return;
  const name = debianPackages[program];
  const canInstall = process.getuid?.() === 0 && isOnPath("apt-get");
  // RUNLEVEL=1: what the package holds is not started as a service of this machine.
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" };
  const options = { env, stdio: "ignore" };
  if (canInstall) {
    process.stderr.write(`sallyport: installing ${name} (apt-get)\n`);
    spawnSync("apt-get", ["update", "-q"], options);
    spawnSync("apt-get", ["install", "-y", "-q", "--no-install-recommends", name], options);
  }
  if (isOnPath(program)) return;
  process.stderr.write(`sallyport: going on without "${program}" (Debian: apt-get install ${name})\n`);
}

function ensureProgram(program) {
  if (isThere(program)) return;
  const name = debianPackages[program];
  const byHand = `install the package "${name}" (Debian: apt-get install ${name}) and run this again`;
  if (process.getuid?.() !== 0) fail(`the program "${program}" is missing: ${byHand}`);
  if (!isOnPath("apt-get"))
    fail(`the program "${program}" is missing and there is no apt-get here: ${byHand}`);
  // RUNLEVEL=1: what the package holds is not started as a service of this machine.
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" };
  run("reading Debian's package lists", "apt-get", ["update", "-q"], { env });
  run(`installing ${name} (apt-get)`, "apt-get", ["install", "-y", "-q", "--no-install-recommends", name], {
    env,
  });
  if (!isThere(program)) fail(`"${name}" was installed but there is still no "${program}" on the PATH`);
}

function newestChange(path) {
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  return Math.max(0, ...readdirSync(path).map((name) => newestChange(join(path, name))));
}

function ensureConsole(node) {
  const folder = join(root, "packages", "console");
  const built = join(folder, "dist", "index.html");
  const sources = ["src", "public", "index.html", "vite.config.ts", "package.json"].map((name) =>
    join(folder, name),
  );
  if (existsSync(built) && statSync(built).mtimeMs > Math.max(...sources.map(newestChange))) return;
  const vite = join(root, "node_modules", "vite", "bin", "vite.js");
  run("building the console (vite build)", node, [vite, "build", "--logLevel", "warn"], { cwd: folder });
}

ensureNpmPackages();
const node = join(root, "node_modules", ".bin", "node");
if (!existsSync(node)) fail(`${node} is missing: npm did not run the install script of the package "node"`);
for (const need of needs) {
  if (need === "console") ensureConsole(node);
  else ensureProgram(need);
}

for (const want of wants) wantProgram(want);

// V8 lets the young generation grow to three times 16 MiB in a burst, of thousands of primaries that come back say, and keeps it.
const child = spawn(node, ["--max-semi-space-size=8", ...argv], {
  stdio: "inherit",
  env: { ...process.env, PATH: `${dirname(node)}:${process.env.PATH ?? ""}` },
});
// A terminal sends Ctrl-C to the whole group: the child ends in its own time and this process waits for it.
// A signal sent to this process alone is passed on.
process.on("SIGINT", () => process.stdin.isTTY || child.kill("SIGINT"));
process.on("SIGTERM", () => child.kill("SIGTERM"));
child.on("error", (error) => fail(`${node} could not be started: ${error.message}`));
child.on("exit", (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
