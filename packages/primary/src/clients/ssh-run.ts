import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { writeFileDurably } from "@sallyport/durable";
import { limits } from "../limits.ts";
import { privateFileProblem } from "../premises/premises-file.ts";
import { startChild, type RunningChild } from "../processes/child-run.ts";
import { socketPair } from "../processes/socket-pair.ts";
import { LineSplitter } from "../storage/line-splitter.ts";
import type { RunningProcesses } from "../storage/running-processes.ts";
import { RepositoryBridge, type RepositoryBridgeOptions } from "./repository-bridge.ts";
import type { SshClient } from "./ssh-client.ts";
import { knownHosts, sshArguments, sshFailure } from "./ssh-command.ts";

/** A script to be run on a client. */
export interface SshRun {
  client: SshClient;
  dataDir: string;
  script: string;
  /** What of a repository the script's restic reaches; none without it. */
  bridge?: Pick<RepositoryBridgeOptions, "repository" | "access">;
  processes: RunningProcesses;
  /** Ends ssh, and with the connection all that runs on the client. */
  signal: AbortSignal;
  onStart?: (pid: number) => void;
  /** Takes a line of what is told; those for which it answers false are kept. */
  onLine?: (line: string) => boolean;
}

/** How a script ended. */
export interface SshEnd {
  /** The script's exit code; null when there is none, because ssh failed or was ended. */
  code: number | null;
  /** Why ssh itself failed; undefined when it did not. */
  failure: { status: number; hint: string } | undefined;
  /** The last lines that were told and not taken. */
  lines: string[];
  /** The disk of the repository was full. */
  isFull: boolean;
}

/** Runs a script on a client. */
export async function runOnClient(run: SshRun): Promise<SshEnd> {
  const { client, dataDir, processes, signal, onStart, onLine } = run;
  const failed = (status: number, hint: string): SshEnd => ({
    code: null,
    failure: { status, hint },
    lines: [],
    isFull: false,
  });
  const problem = privateFileProblem(client.keyFile);
  if (problem !== undefined) return failed(59, `the key file ${client.keyFile} can't be used: ${problem}`);
  const args = sshArguments(client, await keepKnownHosts(dataDir, client));
  const environment = { PATH: "/usr/local/bin:/usr/bin:/bin", LC_ALL: "C", HOME: "/nonexistent" };
  const child = await startChild({ program: "ssh", args, environment, processes, signal }).catch(
    (error: Error) => error,
  );
  if (child instanceof Error) return failed(58, `ssh can't be started: ${child.message}`);
  onStart?.(child.pid);
  const lines: string[] = [];
  const splitter = new LineSplitter(limits.maxOutputLineBytes, (told) => {
    // A progress of restic may be longer; nothing else has a reason to.
    const line = told.startsWith("{") ? told : plainLine(told);
    if (line.trim() === "" || onLine?.(line) === true) return;
    lines.push(plainLine(line));
    if (lines.length > limits.maxClientLines) lines.shift();
  });
  child.stderr.on("data", (chunk: Buffer) => splitter.push(chunk));
  child.stdin.write(`${Buffer.byteLength(run.script)}\n${run.script}`);
  const bridge = run.bridge === undefined ? undefined : await openBridge(child, run.bridge);
  if (bridge === undefined) {
    child.stdin.end();
    child.stdout.resume();
  }
  const { code } = await child.ended;
  if (!child.stderr.closed) await new Promise((resolve) => child.stderr.once("close", resolve));
  splitter.end();
  await bridge?.close();
  const isSshs = code === 255 || (code === null && !signal.aborted);
  return {
    code: isSshs ? null : code,
    failure: isSshs ? sshFailure(lines, bridge?.begun ?? false) : undefined,
    lines,
    isFull: bridge?.isFull ?? false,
  };
}

/** What a job's log takes of a line of another machine. */
function plainLine(line: string): string {
  return line.slice(0, limits.maxClientLineCharacters).replaceAll(/\p{Cc}/gu, "\u{fffd}");
}

async function openBridge(
  child: RunningChild,
  options: Pick<RepositoryBridgeOptions, "repository" | "access">,
): Promise<RepositoryBridge> {
  const [near, socket] = await socketPair();
  // Each end tells the other that it is over; ssh's own end says why.
  void pipeline(child.stdout, near, child.stdin).catch(() => {});
  return new RepositoryBridge({ ...options, socket });
}

async function keepKnownHosts(dataDir: string, client: SshClient): Promise<string> {
  const folder = join(dataDir, "clients");
  const path = join(folder, `${client.name}.known_hosts`);
  const wanted = knownHosts(client);
  // None yet, most likely.
  const present = await readFile(path, "utf8").catch(() => "");
  if (present === wanted) return path;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeFileDurably(path, wanted, 0o600);
  return path;
}
