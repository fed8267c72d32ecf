import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

/** One answer as a client saw it. */
export interface Seen {
  step: string;
  method: string;
  /** Below `/netbackup`, with the query. */
  path: string;
  status: number;
  /** Names in lower case. */
  headers: Readonly<Record<string, string>>;
  body: Buffer;
}

/** What the clients read from their environment. */
export type ClientEnvironment = Readonly<Record<`NBU_${string}`, string>>;

const programs = {
  "netbackup_session.py": ["python3", "-c", "import requests"],
  "netbackup_lists.pl": ["perl", "-MLWP::UserAgent", "-e", "1"],
  "netbackup_curl.sh": ["sh", "-c", ":"],
} as const;

/** The program of that name which has the library, the first in PATH or the system's own. */
function programFor(name: keyof typeof programs): string {
  const [program, ...tried] = programs[name];
  const isUsable = (path: string) => spawnSync(path, tried, { stdio: "ignore" }).status === 0;
  return isUsable(program) ? program : `/usr/bin/${program}`;
}

/**
 * Runs one of the clients to its end and answers all that it saw.
 * @throws Error with its standard error when it fails
 */
export async function runClient(name: keyof typeof programs, env: ClientEnvironment): Promise<Seen[]> {
  const child = spawn(programFor(name), [join(import.meta.dirname, name)], {
    env: { ...process.env, ...env },
  });
  let [output, errors] = ["", ""];
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (errors += chunk.toString()));
  const [code] = (await once(child, "close")) as [number | null];
  if (code !== 0) throw new Error(`${name} has ended with ${code}: ${errors}\n${output.slice(-2000)}`);
  return name === "netbackup_curl.sh" ? readHeads(output) : readLines(output);
}

function readLines(output: string): Seen[] {
  return output
    .trim()
    .split("\n")
    .map((line) => {
      const seen = JSON.parse(line) as Omit<Seen, "body"> & { body: string };
      return { ...seen, body: Buffer.from(seen.body, "base64") };
    });
}

/** What curl dumps: after a "100 Continue" there is another head. */
function readHeads(output: string): Seen[] {
  return output
    .split(/^step: /m)
    .slice(1)
    .map((text) => {
      const [step = "", asked = "", ...lines] = text.trimEnd().split("\n");
      const [, method = "", url = ""] = /^asked: (\S+) (.*)$/.exec(asked) ?? [];
      const head = lines.slice(lines.findLastIndex((line) => line.startsWith("HTTP/")));
      const headers = head.slice(1, -1).map((line): [string, string] => {
        const at = line.indexOf(":");
        return [line.slice(0, at).toLowerCase(), line.slice(at + 1).trim()];
      });
      return {
        step,
        method,
        path: url.replace(/^https:\/\/[^/]+\/netbackup/, ""),
        status: Number(/^HTTP\/\S+ (\d+)/.exec(head[0] ?? "")?.[1]),
        headers: Object.fromEntries(headers),
        body: Buffer.from(lines.at(-1)?.replace(/^body: ?/, "") ?? "", "base64"),
      };
    });
}

/** Of one connection, not of the answer: what every hop says for itself. */
const ofTheHop = ["connection", "keep-alive", "transfer-encoding", "date"];
/**
 * What the hub adds to every answer of a primary so that no browser takes it for a page of the hub's, and the one header that it
 * keeps back for the same reason: cookies would be set for the hub.
 */
const ofTheHub = ["content-security-policy", "x-content-type-options", "sallyport-command-id", "set-cookie"];
const leftOut = new Set([...ofTheHop, ...ofTheHub]);

/** The space of the disk changes while the tests run, whoever asks. */
const ofTheDisk = /("freeCapacityBytes"):\d+(.*"usedCapacityBytes"):\d+/;

/** An answer without what is of its connection and of the hub, and without the token, which is another for each login. */
export function comparable({ step, method, status, headers, body }: Seen): object {
  const text = body.toString("latin1");
  // A length may be missing from a head without a body.
  const isLengthFixed = method !== "HEAD" && !ofTheDisk.test(text);
  const isFixed = (name: string) => !leftOut.has(name) && (name !== "content-length" || isLengthFixed);
  const hide = (told: string) =>
    told.replace(ofTheDisk, "$1:N$2:N").replaceAll(/eyJ[\w-]+\.[\w-]+\.[\w-]+/g, "TOKEN");
  return {
    step,
    status,
    headers: Object.fromEntries(
      Object.entries(headers)
        .filter(([name]) => isFixed(name))
        .map(([name, value]): [string, string] => [name, hide(value)])
        .toSorted(([a], [b]) => (a < b ? -1 : 1)),
    ),
    body: hide(text),
  };
}

/** The same without what differs from one backup to the next: numbers of jobs, times, sizes of the process. */
export function comparableSession(seen: Seen, policyName: string): object {
  const { body, headers, ...rest } = comparable(seen) as { body: string; headers: Record<string, string> };
  const generalise = (text: string) =>
    text
      .replaceAll(policyName, "POLICY")
      .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, "TIME")
      .replaceAll(/"PT[0-9HMS]+"|"\d\d:\d\d:\d\d"/g, '"DURATION"')
      .replaceAll(/_\d{10}(?!\d)/g, "_SECONDS")
      .replaceAll(/\b[0-9a-f]{64}\b/g, "SNAPSHOT")
      .replaceAll(/jobs\/\d+/g, "jobs/N")
      .replaceAll(
        /"(id|jobId|jobPath|offset|\w*ProcessId|transferRate|kilobytes\w*|kbytes\w*|elapsedTimeSeconds)":"?\d+"?/g,
        '"$1":N',
      );
  const told = Object.entries(headers).filter(([name]) => name !== "content-length");
  return {
    ...rest,
    headers: Object.fromEntries(told.map(([name, value]) => [name, generalise(value)])),
    body: generalise(body),
  };
}
