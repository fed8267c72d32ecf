import { spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { limits } from "../limits.ts";
import { PrimaryError } from "../errors.ts";
import { ByteTail } from "../processes/byte-tail.ts";
import { LineSplitter } from "./line-splitter.ts";
import type { RunningProcesses } from "./running-processes.ts";

/** One run of restic. */
export interface ResticRun {
  program: string;
  args: readonly string[];
  environment: Readonly<Record<string, string>>;
  /** The folder that it runs in; the primary's own by default. */
  folder?: string | undefined;
  /** Written to its standard input after the process has been recorded. */
  input?: string | Buffer;
  /** Writes its standard input itself instead; that ends when it answers true, and otherwise when restic does. */
  feed?: (stdin: Writable) => Promise<boolean>;
  onLine?: (line: string) => void;
  maxLineBytes?: number;
  /** Its standard output is thrown away. */
  ignoresOutput?: boolean;
  /** Takes its standard output as a stream, instead of lines. */
  onOutput?: (output: Readable) => void;
  /** Called as soon as it runs. */
  onStart?: (pid: number) => void;
  /** Interrupts it; it is killed when it has not ended after `resticInterruptMs`. */
  signal?: AbortSignal | undefined;
}

/** How a run of restic ended. */
export interface ResticResult {
  /** The exit code; null when a signal ended it. */
  code: number | null;
  /** The last `maxStderrBytes` of its standard error. */
  errorLines: string[];
}

/**
 * Runs restic and waits for its end.
 * @throws PrimaryError `storage_unusable` when the program can't be started
 */
export function runRestic(run: ResticRun, processes: RunningProcesses): Promise<ResticResult> {
  return new Promise((resolve, reject) => {
    // A group of its own: Ctrl-C on the primary must not reach restic before the primary has decided what to do.
    const child = spawn(run.program, run.args, {
      cwd: run.folder,
      env: { ...run.environment },
      stdio: ["pipe", run.ignoresOutput === true ? "ignore" : "pipe", "pipe"],
      detached: true,
    });
    const lines = new LineSplitter(run.maxLineBytes ?? limits.maxOutputLineBytes, run.onLine ?? (() => {}));
    const errorTail = new ByteTail(limits.maxStderrBytes);
    if (run.onOutput !== undefined && child.stdout !== null) run.onOutput(child.stdout);
    else child.stdout?.on("data", (chunk: Buffer) => lines.push(chunk));
    child.stderr?.on("data", (chunk: Buffer) => errorTail.push(chunk));
    // It may end before it has read its input; its exit code tells why.
    child.stdin?.on("error", () => {});
    child.once("error", (error: NodeJS.ErrnoException) => reject(startError(run.program, error)));
    const { pid } = child;
    if (pid === undefined) return;
    processes.add(pid, run.args[0] ?? "");
    // Restic waits for its input before it does anything, so nothing runs that a restart would not find.
    const { stdin } = child;
    if (run.feed === undefined) stdin?.end(run.input ?? "");
    else if (stdin !== null) {
      // What goes wrong in it is its own business, and it answers false.
      void run.feed(stdin).then((isWhole) => isWhole && stdin.end());
    }
    run.onStart?.(pid);
    const interruption = interruptOn(run.signal, (signal) => child.kill(signal));
    child.once("close", (code) => {
      interruption[Symbol.dispose]();
      lines.end();
      processes.remove(pid);
      resolve({ code, errorLines: linesOf(errorTail) });
    });
  });
}

function startError(program: string, error: NodeJS.ErrnoException): PrimaryError {
  const message =
    error.code === "ENOENT"
      ? `the program "${program}" is missing: install the package restic`
      : `the program "${program}" can't be started (${error.code}): check the installation of restic`;
  return new PrimaryError("storage_unusable", message, { cause: error });
}

function interruptOn(signal: AbortSignal | undefined, kill: (signal: NodeJS.Signals) => void): Disposable {
  let timer: NodeJS.Timeout | undefined;
  const onAbort = () => {
    kill("SIGINT");
    timer = setTimeout(() => kill("SIGKILL"), limits.resticInterruptMs);
  };
  if (signal?.aborted === true) onAbort();
  else signal?.addEventListener("abort", onAbort, { once: true });
  return {
    [Symbol.dispose]: () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
    },
  };
}

function linesOf(errors: ByteTail): string[] {
  const text = errors.text().replaceAll("\u001B[2K", "");
  return text.split("\n").filter((line) => line.trim() !== "");
}
