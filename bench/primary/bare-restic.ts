import { spawn } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { cpuTimeWithEnded } from "../cpu-time.ts";

/** A repository, and restic as anybody runs it. */
export interface BareRestic {
  /** Runs one command, its output thrown away. @throws Error when it fails */
  run(args: readonly string[]): Promise<{ wallMs: number; cpuUs: number; outputBytes: number }>;
}

/** The environment of a repository in a folder, with a cache and everything else of its own. */
export async function bareRestic(dir: string, repository: string, passwordFile: string): Promise<BareRestic> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const environment = {
    PATH: process.env["PATH"] ?? "",
    HOME: dir,
    TMPDIR: dir,
    RESTIC_REPOSITORY: repository,
    RESTIC_PASSWORD_FILE: passwordFile,
    RESTIC_CACHE_DIR: join(dir, "cache"),
  };
  return {
    async run(args) {
      const startedMs = performance.now();
      const cpuBeforeUs = cpuTimeWithEnded(process.pid).endedUs;
      const outputBytes = await runToEnd(args, environment);
      return {
        wallMs: performance.now() - startedMs,
        cpuUs: cpuTimeWithEnded(process.pid).endedUs - cpuBeforeUs,
        outputBytes,
      };
    },
  };
}

/** A new repository in that folder. */
export async function newRepository(dir: string): Promise<BareRestic> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const passwordFile = join(dir, "password");
  await writeFile(passwordFile, "bench", { mode: 0o600 });
  const restic = await bareRestic(dir, join(dir, "repository"), passwordFile);
  await restic.run(["init"]);
  return restic;
}

function runToEnd(args: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn("restic", args, { env, stdio: ["ignore", "pipe", "pipe"] });
    let outputBytes = 0;
    let errors = "";
    child.stdout.on("data", (chunk: Buffer) => (outputBytes += chunk.length));
    child.stderr.on("data", (chunk: Buffer) => (errors += chunk.toString()));
    child.once("error", reject);
    child.once("close", (code) => {
      if (code === 0) resolve(outputBytes);
      else reject(new Error(`restic ${args[0]} ended with ${code}: ${errors.slice(0, 1000)}`));
    });
  });
}
