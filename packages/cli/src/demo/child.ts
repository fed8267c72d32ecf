import { spawn, type ChildProcess } from "node:child_process";
import { createWriteStream } from "node:fs";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { join } from "node:path";
import { Failure } from "../failure.ts";

/** A part of the demo that runs as a process of its own. */
export interface DemoChild {
  /** What it printed about itself when it was ready. */
  ready: Record<string, unknown>;
  /** Lines of its log whose `msg` is this, so far. */
  countLogged(msg: string): number;
  /** Resolves when the log has at least `count` lines with this `msg`; rejects when the process ends before. */
  logged(msg: string, count: number): Promise<void>;
  /** Ends it in good order. */
  stop(): Promise<void>;
}

const main = join(import.meta.dirname, "..", "main.ts");

/**
 * Starts `sallyport ARGS --json` and waits until it is ready. Its log goes to `logFile`. It has a process group of
 * its own, so that Ctrl-C reaches it through `stop`, in order; it also ends when this process does.
 * @throws Failure with the end of its log when it ends before it is ready
 */
export async function startChild(
  args: string[],
  env: Record<string, string>,
  logFile: string,
): Promise<DemoChild> {
  const child = spawn(process.execPath, [main, ...args, "--json"], {
    detached: true,
    stdio: ["ignore", "pipe", "pipe", "ipc"],
    env: { ...process.env, ...env },
  });
  const log = createWriteStream(logFile, { flags: "a", mode: 0o600 });
  const counts = new Map<string, number>();
  const lastLines: string[] = [];
  const arrivals = new EventTarget();
  let ended = false;
  createInterface({ input: child.stderr as NodeJS.ReadableStream }).on("line", (line) => {
    log.write(`${line}\n`);
    lastLines.push(line);
    if (lastLines.length > 10) lastLines.shift();
    const msg = messageOf(line);
    counts.set(msg, (counts.get(msg) ?? 0) + 1);
    arrivals.dispatchEvent(new Event("line"));
  });
  const exited = once(child, "exit").then(() => {
    ended = true;
    arrivals.dispatchEvent(new Event("line"));
    log.end();
  });
  const ready = await readyOf(child, exited, () => `${args[0]} did not start:\n  ${lastLines.join("\n  ")}`);
  return {
    ready,
    countLogged: (msg) => counts.get(msg) ?? 0,
    async logged(msg, count) {
      while ((counts.get(msg) ?? 0) < count) {
        if (ended) throw new Failure(`${args[0]} has ended; see ${logFile}`);
        await once(arrivals, "line");
      }
    },
    async stop() {
      if (!ended) child.kill("SIGTERM");
      await exited;
    },
  };
}

async function readyOf(
  child: ChildProcess,
  exited: Promise<void>,
  failure: () => string,
): Promise<Record<string, unknown>> {
  let text = "";
  const printed = new Promise<Record<string, unknown>>((resolve) => {
    child.stdout?.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      if (text.endsWith("}\n")) resolve(JSON.parse(text) as Record<string, unknown>);
    });
  });
  const early = exited.then(() => Promise.reject(new Failure(failure())));
  return Promise.race([printed, early]);
}

function messageOf(line: string): string {
  try {
    return String((JSON.parse(line) as { msg?: unknown }).msg);
  } catch {
    // Node's own warnings are not JSON; they are kept in the log file all the same.
    return "";
  }
}
