import { spawn, type ChildProcessByStdio } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { limits } from "../limits.ts";
import type { RunningProcesses } from "../storage/running-processes.ts";
import { ByteTail } from "./byte-tail.ts";

/** A program to be run beside restic: a command, a dump, ssh. */
export interface ChildRun {
  program: string;
  args: readonly string[];
  environment: Readonly<Record<string, string>>;
  /** Where it is recorded, so that a primary that was killed finds it again. */
  processes: RunningProcesses;
  /** Ends it with SIGTERM, and with SIGKILL when it has not ended after `childTerminateMs`, with all that it has started. */
  signal: AbortSignal;
  /** Ends it in the same way. */
  timeoutMs?: number;
}

/** How a program ended. */
export interface ChildEnd {
  /** The exit code; null when a signal ended it. */
  code: number | null;
  killedBy: NodeJS.Signals | null;
  timedOut: boolean;
}

/** A program that runs, with its streams. */
export interface RunningChild {
  pid: number;
  stdin: Writable;
  stdout: Readable;
  stderr: Readable;
  ended: Promise<ChildEnd>;
}

/**
 * Starts a program, in a process group of its own.
 * @throws NodeJS.ErrnoException when it can't be started, such as ENOENT
 */
export async function startChild(run: ChildRun): Promise<RunningChild> {
  const child: ChildProcessByStdio<Writable, Readable, Readable> = spawn(run.program, run.args, {
    env: { ...run.environment },
    cwd: "/",
    stdio: ["pipe", "pipe", "pipe"],
    detached: true,
  });
  const exited = new Promise<[number | null, NodeJS.Signals | null]>((resolve) => {
    child.once("exit", (...end) => resolve(end));
  });
  // It may end before it has read all of its input; its exit code tells why.
  child.stdin.on("error", () => {});
  await new Promise<void>((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", reject);
  });
  const pid = child.pid ?? 0;
  run.processes.add(pid, run.program);
  let timedOut = false;
  const kill = killer(pid);
  const onAbort = () => kill.begin();
  const timer =
    run.timeoutMs === undefined
      ? undefined
      : setTimeout(() => {
          timedOut = true;
          kill.begin();
        }, run.timeoutMs);
  if (run.signal.aborted) onAbort();
  else run.signal.addEventListener("abort", onAbort, { once: true });
  const ended = exited.then(([code, killedBy]) => {
    clearTimeout(timer);
    run.signal.removeEventListener("abort", onAbort);
    kill.end();
    run.processes.remove(pid);
    return { code, killedBy, timedOut };
  });
  return { pid, stdin: child.stdin, stdout: child.stdout, stderr: child.stderr, ended };
}

/** Ends a process group, gently at first. */
function killer(pid: number) {
  let timer: NodeJS.Timeout | undefined;
  const send = (signal: NodeJS.Signals) => {
    try {
      process.kill(-pid, signal);
    } catch {
      // Nothing of the group is left.
    }
  };
  return {
    begin: () => {
      send("SIGTERM");
      timer ??= setTimeout(() => send("SIGKILL"), limits.childTerminateMs);
    },
    /** The program has ended: after a kill, what it started must not outlive it. */
    end: () => {
      if (timer === undefined) return;
      clearTimeout(timer);
      send("SIGKILL");
    },
  };
}

/** Keeps the end of a program's output as lines, without control characters. */
export class OutputTail {
  readonly #tail: ByteTail;

  constructor(maxBytes: number, ...streams: Readable[]) {
    this.#tail = new ByteTail(maxBytes);
    for (const stream of streams) stream.on("data", (chunk: Buffer) => this.#tail.push(chunk));
  }

  lines(): string[] {
    const text = this.#tail.text().split("\n");
    const lines = text.map((line) => line.replaceAll(/[^\P{Cc}\t]/gu, "").trimEnd());
    const kept = lines.filter((line) => line !== "");
    const last = kept.slice(-limits.maxCommandOutputLines);
    const isCut = this.#tail.isCut || last.length < kept.length;
    return isCut ? ["(only the end of it is kept)", ...last] : last;
  }
}
