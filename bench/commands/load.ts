import { execFile } from "node:child_process";
import { request } from "node:https";
import { join } from "node:path";

/** Where a variant takes requests. */
export interface Way {
  port: number;
  path: string;
  headers: Record<string, string>;
}

/** What one run of the load generator measured. */
export interface Load {
  perSecond: number;
  p50Ms: number;
  p99Ms: number;
}

const script = join(import.meta.dirname, "wrk.lua");

/**
 * Sends requests for some seconds with `wrk`, over TLS, each connection with one request at a time.
 * @throws Error when a request failed: a figure with failures is none
 */
export async function load(way: Way, inFlight: number, seconds: number): Promise<Load> {
  const headers = Object.entries(way.headers).map(([name, value]) => `${name}: ${value}`);
  const url = `https://127.0.0.1:${way.port}${way.path}`;
  const args = ["-t1", `-c${inFlight}`, `-d${seconds}s`, "--timeout", "5s", "-s", script, url];
  const output = await new Promise<string>((resolve, reject) => {
    const env = { ...process.env, BENCH_HEADERS: headers.join("\n") };
    execFile("wrk", args, { env, timeout: (seconds + 20) * 1000 }, (error, stdout) => {
      if (error === null) resolve(stdout);
      else reject(error);
    });
  });
  const figures = /RESULT (\d+) (\d+) (\d+) (\d+) (\d+)/.exec(output)?.slice(1).map(Number) ?? [];
  const [requests = 0, durationUs = 1, p50Us = 0, p99Us = 0, errors = 0] = figures;
  if (errors > 0 || requests === 0) throw new Error(`${errors} of ${requests} requests failed`);
  return { perSecond: (requests * 1e6) / durationUs, p50Ms: p50Us / 1000, p99Ms: p99Us / 1000 };
}

/** Makes one request, to see that a variant gives the target's own answer before it is measured. */
export function requireAnswer(way: Way, ca: string, bytes: number): Promise<void> {
  const { port, path, headers } = way;
  return new Promise((resolve, reject) => {
    const outgoing = request({ host: "127.0.0.1", port, path, headers, ca, agent: false }, (response) => {
      let length = 0;
      response.on("data", (chunk: Buffer) => (length += chunk.length));
      response.on("end", () => {
        if (response.statusCode === 200 && length === bytes) resolve();
        else reject(new Error(`answered ${response.statusCode} with ${length} bytes`));
      });
    });
    outgoing.setTimeout(10_000, () => outgoing.destroy(new Error("no answer within 10 s")));
    outgoing.on("error", reject);
    outgoing.end();
  });
}
