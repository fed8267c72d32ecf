import { spawn, type ChildProcess } from "node:child_process";
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";

const root = join(import.meta.dirname, "..", "..");
const main = join(root, "packages", "cli", "src", "main.ts");

/** What a command printed and how it ended. */
export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs `sallyport ARGS` to its end. */
export async function sallyport(
  args: string[],
  env: Record<string, string> = {},
  input = "",
): Promise<Ended> {
  const child = spawn(process.execPath, [main, ...args], { env: { ...process.env, ...env } });
  const text = { stdout: "", stderr: "" };
  child.stdout.on("data", (chunk: Buffer) => (text.stdout += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (text.stderr += chunk.toString()));
  child.stdin.end(input);
  const [code] = (await once(child, "close")) as [number | null];
  return { code, ...text };
}

/** A server that runs as a process of its own, as users start it. */
export interface ServerProcess extends AsyncDisposable {
  url: string;
  caFile: string;
  caPem: string;
  pid: number;
  /** Every line of its log so far. */
  log: string[];
  /** Waits for a log line with this `msg`, from now on or before. */
  logged(msg: string, count?: number): Promise<void>;
  /** SIGKILL, at once. */
  kill(): Promise<void>;
  /** SIGTERM, in good order; returns the exit code. */
  stop(): Promise<number | null>;
}

/** Starts `sallyport hub` or `sallyport primary` and waits until it listens. */
export async function startServer(args: string[], env: Record<string, string>): Promise<ServerProcess> {
  const child = spawn(process.execPath, [main, ...args, "--json"], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...env },
  });
  const log: string[] = [];
  const lines = new EventTarget();
  createInterface({ input: child.stderr }).on("line", (line) => {
    log.push(line);
    lines.dispatchEvent(new Event("line"));
  });
  const exited = once(child, "exit") as Promise<[number | null]>;
  void exited.then(() => lines.dispatchEvent(new Event("line")));
  const { url, caFile } = await ready(child, exited, log);
  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    return (await exited)[0];
  };
  return {
    url,
    caFile: caFile ?? "",
    // None where the server was given a certificate.
    caPem: caFile === undefined ? "" : readFileSync(caFile, "utf8"),
    pid: child.pid ?? 0,
    log,
    async logged(msg, count = 1) {
      const has = () => log.filter((line) => line.includes(`"msg":"${msg}"`)).length >= count;
      while (!has()) {
        if (child.exitCode !== null || child.signalCode !== null)
          throw new Error(`ended before "${msg}" came`);
        await once(lines, "line");
      }
    },
    async kill() {
      await end("SIGKILL");
    },
    stop: () => end("SIGTERM"),
    async [Symbol.asyncDispose]() {
      await end("SIGKILL");
    },
  };
}

async function ready(
  child: ChildProcess,
  exited: Promise<[number | null]>,
  log: string[],
): Promise<{ url: string; caFile?: string }> {
  let text = "";
  const printed = new Promise<{ url: string; caFile?: string }>((resolve) => {
    child.stdout?.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      if (text.endsWith("}\n")) resolve(JSON.parse(text) as { url: string; caFile?: string });
    });
  });
  const early = exited.then(([code]) => Promise.reject(new Error(`exited with ${code}:\n${log.join("\n")}`)));
  return Promise.race([printed, early]);
}

/**
 * A port that is free at this moment, for a server that has to come back on the same one: from below those that the kernel gives out by
 * itself, so that nothing else takes it in between.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const server = createServer().listen(randomInt(20_000, 32_768), "127.0.0.1");
    const [isFree, port] = await Promise.race([
      once(server, "listening").then(() => [true, (server.address() as AddressInfo).port] as const),
      once(server, "error").then(() => [false, 0] as const),
    ]);
    if (!isFree) continue;
    server.close();
    await once(server, "close");
    return port;
  }
}
