import { fork, type ChildProcess } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { basename, join } from "node:path";
import type { Facts } from "./program.ts";

/** A program of the bench that runs in a process of its own. */
export interface Program extends AsyncDisposable {
  readonly pid: number;
  /** What it said when it was ready. */
  readonly facts: Facts;
  /** Asks it something; rejects when it fails or ends. */
  ask(question: Facts): Promise<Facts>;
  /** Ends it and waits for its end. `SIGKILL` is for what is to be killed without warning. */
  stop(signal?: "SIGTERM" | "SIGKILL"): Promise<void>;
}

/** How a program is started. */
export interface ProgramOptions {
  /** The module. */
  file: string;
  args: readonly string[];
  /** The folder for its output. */
  logDir: string;
  /** Sent to it over the channel. */
  config?: Facts;
  execArgv?: readonly string[];
  env?: Record<string, string>;
  /** Finds the facts in its standard output, for a program that is none of the bench's; undefined while they are not there yet. */
  factsInOutput?: (output: string) => Facts | undefined;
}

const startTimeoutMs = 30_000;
const running = new Set<ChildProcess>();
let logs = 0;

// Whatever ends the bench, its processes end too; those that have processes of their own end them.
process.on("exit", () => {
  for (const child of running) child.kill("SIGTERM");
});

/** Starts a program and waits until it is ready. */
export async function startProgram(options: ProgramOptions): Promise<Program> {
  logs += 1;
  const logFile = join(
    options.logDir,
    `${logs}-${basename(options.file, ".ts")}-${options.args[0] ?? ""}.log`,
  );
  const log = openSync(logFile, "a");
  const child = fork(options.file, [...options.args], {
    execArgv: [...(options.execArgv ?? [])],
    env: { ...process.env, ...options.env },
    stdio: ["ignore", options.factsInOutput === undefined ? log : "pipe", log, "ipc"],
  });
  closeSync(log);
  running.add(child);
  const gone = new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("exit", (code, signal) => {
      running.delete(child);
      resolve(`it ended with ${code ?? signal}; its output is in ${logFile}`);
    });
  });
  const program = new RunningProgram(child, gone);
  if (options.config !== undefined) child.send(options.config);
  try {
    await program.ready(options.factsInOutput);
    return program;
  } catch (error) {
    await program.stop("SIGKILL");
    throw error;
  }
}

class RunningProgram implements Program {
  facts: Facts = {};
  readonly #child: ChildProcess;
  readonly #gone: Promise<string>;
  #asked = 0;

  constructor(child: ChildProcess, gone: Promise<string>) {
    this.#child = child;
    this.#gone = gone;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  async ready(factsInOutput: ProgramOptions["factsInOutput"]): Promise<void> {
    const child = this.#child;
    const facts = new Promise<Facts>((resolve) => {
      if (factsInOutput === undefined)
        child.once("message", (message: { facts: Facts }) => resolve(message.facts));
      let output = "";
      child.stdout?.setEncoding("utf8").on("data", (chunk: string) => {
        output += chunk;
        const found = factsInOutput?.(output);
        if (found !== undefined) resolve(found);
      });
    });
    this.facts = await this.#orGone(facts, "it was not ready in time");
  }

  ask(question: Facts): Promise<Facts> {
    this.#asked += 1;
    const id = this.#asked;
    const child = this.#child;
    const answer = new Promise<Facts>((resolve, reject) => {
      const listen = (message: { id?: number; facts?: Facts; error?: string }) => {
        if (message.id !== id) return;
        child.off("message", listen);
        if (message.facts === undefined) reject(new Error(message.error ?? "no answer"));
        else resolve(message.facts);
      };
      child.on("message", listen);
    });
    child.send({ id, question });
    return this.#orGone(answer);
  }

  async stop(signal: "SIGTERM" | "SIGKILL" = "SIGTERM"): Promise<void> {
    this.#child.kill(signal);
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), 20_000);
    await this.#gone;
    clearTimeout(timer);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #orGone<T>(wanted: Promise<T>, timeoutMessage?: string): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const failed = new Promise<never>((_, reject) => {
      void this.#gone.then((why) => reject(new Error(why)));
      if (timeoutMessage !== undefined) {
        timer = setTimeout(() => reject(new Error(timeoutMessage)), startTimeoutMs);
      }
    });
    try {
      return await Promise.race([wanted, failed]);
    } finally {
      clearTimeout(timer);
    }
  }
}
