import { rmSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { ensureServerCertificate } from "@sallyport/certificates";
import { startProgram, type Program } from "./processes.ts";
import type { Facts } from "./program.ts";

/** The folder that everything runs in, and the one certificate that every listener has. */
export interface TestBed extends AsyncDisposable {
  readonly dir: string;
  /** Files, PEM. */
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
  /** Starts one of the bench's own programs. */
  start(file: string, role: string, config?: Facts): Promise<Program>;
}

/** Makes the folder, on the disk of the repository: a temporary folder may be memory, and fsync there is no fsync. */
export async function makeTestBed(): Promise<TestBed> {
  const dir = join(import.meta.dirname, ".run", String(process.pid));
  await mkdir(dir, { recursive: true, mode: 0o700 });
  // For a run that is broken off; otherwise it is gone by then.
  process.on("exit", () => rmSync(dir, { recursive: true, force: true }));
  const tls = join(dir, "tls");
  await ensureServerCertificate({
    dir: tls,
    owner: "Sallyport bench",
    hostNames: ["localhost", "127.0.0.1", "benchprimary.bench.test"],
    nowMs: Date.now(),
  });
  const files = { cert: join(tls, "server.pem"), key: join(tls, "server.key"), ca: join(tls, "ca.pem") };
  return {
    dir,
    ...files,
    start: (file, role, config = {}) =>
      startProgram({
        file: join(import.meta.dirname, file),
        args: [role],
        logDir: dir,
        config: { dir, ...files, ...config },
        execArgv: execArgvOf(file),
      }),
    [Symbol.asyncDispose]: () => rm(dir, { recursive: true, force: true }),
  };
}

/** Node's own switches: memory reports for the bare server, profiles of our own ends for whoever asks. */
function execArgvOf(file: string): string[] {
  if (file.endsWith("bare-ws.ts")) {
    return ["--expose-gc", "--import", join(import.meta.dirname, "connections", "memory-report.ts")];
  }
  const profileDir = process.env["BENCH_CPU_PROF"];
  return profileDir === undefined || file.startsWith("peers/")
    ? []
    : ["--cpu-prof", "--cpu-prof-dir", profileDir];
}
