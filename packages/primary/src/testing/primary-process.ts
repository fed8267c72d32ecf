import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { TestPrimary } from "./test-primary.ts";

/** A line of a primary's log. */
export type LogLine = Readonly<Record<string, unknown>>;

/** A primary in a process of its own, to be killed. */
export interface PrimaryProcess extends AsyncDisposable {
  child: ChildProcess;
  /** Its API, without anybody logged in. */
  remote: TestPrimary;
  /** Waits for a line of its log, of those that were there before as well unless it has to be new. */
  line: (isIt: (line: LogLine) => boolean, which?: { isNew: boolean }) => Promise<LogLine>;
  /** Tries again after each line of its log until it holds. */
  until: (holds: () => boolean | Promise<boolean>) => Promise<void>;
  /** Kills it, and nothing else. */
  kill: () => Promise<void>;
}

/** Starts a primary on a data folder and waits until it listens. */
export async function startPrimaryProcess(dataDir: string): Promise<PrimaryProcess> {
  const child = spawn(process.execPath, [join(import.meta.dirname, "run-primary.ts"), dataDir], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = once(child, "exit");
  const lines: LogLine[] = [];
  const arrivals = new EventTarget();
  const arrived = () => arrivals.dispatchEvent(new Event("line"));
  createInterface({ input: child.stdout }).on("line", (text) => {
    lines.push(JSON.parse(text) as LogLine);
    arrived();
  });
  let hasEnded = false;
  void exited.then(() => {
    hasEnded = true;
    arrived();
  });
  const next = async () => {
    if (hasEnded) throw new Error(`the primary has ended: ${JSON.stringify(lines.slice(-3))}`);
    await once(arrivals, "line");
  };
  const line = async (isIt: (line: LogLine) => boolean, which = { isNew: false }) => {
    for (let at = which.isNew ? lines.length : 0; ; at += 1) {
      while (at >= lines.length) await next();
      const found = lines[at];
      if (found !== undefined && isIt(found)) return found;
    }
  };
  const until = async (holds: () => boolean | Promise<boolean>) => {
    for (let seen = -1; ;) {
      // What comes while it is tried has to be looked at as well.
      while (seen === lines.length) await next();
      seen = lines.length;
      if (await holds()) return;
    }
  };
  const kill = async () => {
    child.kill("SIGKILL");
    await exited;
  };
  try {
    const ready = await line(({ msg }) => msg === "runner.ready");
    const { url, caPem } = ready as { url: string; caPem: string };
    const listener = { url, certificate: { caPem } } as TestPrimary["listener"];
    const remote = new TestPrimary({ listener } as ConstructorParameters<typeof TestPrimary>[0]);
    return { child, remote, line, until, kill, [Symbol.asyncDispose]: kill };
  } catch (error) {
    await kill();
    throw error;
  }
}

/** The processes that have a text in their environment, as every restic of a primary has the primary's folder. */
export async function processesWith(text: string): Promise<number[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const environments = await Promise.all(
    pids.map((pid) => readFile(`/proc/${pid}/environ`, "utf8").catch(() => "")),
  );
  return pids.filter((_pid, index) => environments[index]?.includes(text)).map(Number);
}
