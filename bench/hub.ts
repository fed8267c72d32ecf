import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { Agent, request, type RequestOptions } from "node:https";
import { join } from "node:path";
import { startProgram, type Program } from "./processes.ts";
import type { TestBed } from "./test-bed.ts";

/** The hub, as `sallyport hub` runs it, and what the bench does with it. */
export interface BenchedHub extends AsyncDisposable {
  readonly program: Program;
  readonly port: number;
  readonly key: string;
  /** Enrols primaries and gives their ids and tokens. */
  enrol(count: number, prefix: string): Promise<{ id: string; token: string }[]>;
  /** Reads JSON from its API. */
  read(path: string): Promise<unknown>;
}

const main = join(import.meta.dirname, "..", "packages", "cli", "src", "main.ts");
const memoryReport = join(import.meta.dirname, "connections", "memory-report.ts");

/** What may be said of a hub that is started again. */
export interface HubOptions {
  /** Name of its data folder; one that exists is used again. */
  data: string;
  port?: number;
  key?: string;
}

/** Starts `sallyport hub` with its defaults: API keys, audit, metrics and its log (to a file) are on. */
export async function startHub(bed: TestBed, options: HubOptions): Promise<BenchedHub> {
  const key = options.key ?? randomBytes(24).toString("hex");
  const listen = `127.0.0.1:${options.port ?? 0}`;
  const data = join(bed.dir, options.data);
  // Set by whoever wants to see where the time goes; PROFILE.md was made so.
  const profileDir = process.env["BENCH_CPU_PROF"];
  const profiling = profileDir === undefined ? [] : ["--cpu-prof", "--cpu-prof-dir", profileDir];
  const program = await startProgram({
    file: main,
    args: ["hub", "--data", data, "--listen", listen, "--json", "--tls-cert", bed.cert, "--tls-key", bed.key],
    logDir: bed.dir,
    env: { SALLYPORT_ADMIN_KEY: key },
    // As `npm run sallyport` and the command itself start it.
    execArgv: ["--max-semi-space-size=8", "--expose-gc", "--import", memoryReport, ...profiling],
    factsInOutput(output) {
      const url = /"url":\s*"([^"]+)"/.exec(output)?.[1];
      return url === undefined ? undefined : { port: Number(new URL(url).port) };
    },
  });
  const port = Number(program.facts["port"]);
  const ca = await readFile(bed.ca, "utf8");
  const agent = new Agent({ ca, keepAlive: true, maxSockets: 32 });
  const call = (method: string, path: string, body?: unknown) => {
    const headers = { Authorization: `Bearer ${key}`, "Content-Type": "application/json" };
    return callJson({ host: "127.0.0.1", port, method, path, headers, agent }, body);
  };
  return {
    program,
    port,
    key,
    read: (path) => call("GET", path),
    async enrol(count, prefix) {
      const enrolled: { id: string; token: string }[] = [];
      const serials = Array.from({ length: count }, (_, index) => index).values();
      const one = async () => {
        for (const serial of serials) {
          const name = `${prefix}-${serial}`;
          const made = (await call("POST", "/api/v1/primaries", { name })) as {
            id: string;
            endpoint: { token: string };
          };
          enrolled.push({ id: made.id, token: made.endpoint.token });
        }
      };
      await Promise.all(Array.from({ length: Math.min(count, 32) }, one));
      return enrolled;
    },
    async [Symbol.asyncDispose]() {
      agent.destroy();
      await program.stop();
    },
  };
}

function callJson(options: RequestOptions, body: unknown): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const outgoing = request(options, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => {
        const answer = Buffer.concat(chunks).toString();
        if ((response.statusCode ?? 0) < 300) resolve(JSON.parse(answer));
        else reject(new Error(`the hub answered ${response.statusCode}: ${answer}`));
      });
    });
    outgoing.on("error", reject);
    outgoing.end(body === undefined ? undefined : JSON.stringify(body));
  });
}
