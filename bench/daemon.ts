import { execFile, spawn } from "node:child_process";
import { connect, createServer } from "node:net";
import type { AddressInfo } from "node:net";

/** A port of loopback that nobody listens on. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

/** Starts a program that is not ours (nginx, redis-server, …) and waits until `port` answers. */
export async function startDaemon(
  command: string,
  args: readonly string[],
  port: number,
): Promise<{ stop: () => void }> {
  const child = spawn(command, args, { stdio: ["ignore", "inherit", "inherit"] });
  const failed = new Promise<never>((_, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`${command} ended with ${code}`)));
  });
  // Once it answers nobody waits for its failure any more.
  failed.catch(() => undefined);
  for (let tries = 0; ; tries += 1) {
    if (await Promise.race([answers(port), failed])) return { stop: () => child.kill("SIGTERM") };
    if (tries === 200) throw new Error(`${command} does not listen on ${port}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** What a program says of its version, on either stream. */
export function versionOf(command: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve) => {
    execFile(command, args, (_, stdout, stderr) => {
      resolve(/\d+\.\d[\w.+~-]*/.exec(stdout + stderr)?.[0] ?? "unknown");
    });
  });
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
