// Loaded into every process of the tests: a `sallyport primary` among them writes down what its REST API answers, one JSON line each, so that
// the end of the run can compare all of it with NetBackup's documents. Nothing else is touched.
import { appendFileSync } from "node:fs";
import type { OutgoingHttpHeaders, ServerResponse } from "node:http";

/** An answer as it is written down. */
export interface RecordedAnswer {
  method: string;
  /** Below `/netbackup`, with the query. */
  path: string;
  status: number;
  headers: Record<string, string>;
  /** null: it was too large to keep. */
  text: string | null;
}

const maxBodyBytes = 256 * 1024;

async function record(file: string): Promise<void> {
  const http = await import("node:http");
  const prototype = http.ServerResponse.prototype as unknown as Record<
    "writeHead" | "write" | "end",
    (this: ServerResponse, ...args: unknown[]) => unknown
  >;
  const { writeHead, write, end } = prototype;
  const kept = new WeakMap<
    ServerResponse,
    { headers: OutgoingHttpHeaders; chunks: Buffer[]; length: number }
  >();
  const answerOf = (response: ServerResponse) => {
    if (response.req.url?.startsWith("/netbackup/") !== true) return undefined;
    const answer = kept.get(response) ?? { headers: {}, chunks: [], length: 0 };
    kept.set(response, answer);
    return answer;
  };
  const add = (response: ServerResponse, chunk: unknown) => {
    const answer = answerOf(response);
    if (answer === undefined || !(typeof chunk === "string" || chunk instanceof Uint8Array)) return;
    const bytes = Buffer.from(chunk);
    answer.length += bytes.length;
    if (answer.length <= maxBodyBytes) answer.chunks.push(bytes);
  };
  prototype.writeHead = function (...args) {
    // Headers that are given here are in no `getHeaders`.
    const headers = args.slice(1).find((part) => typeof part === "object" && !Array.isArray(part));
    for (const [name, value] of Object.entries(headers ?? {})) {
      const answer = answerOf(this);
      if (answer !== undefined) answer.headers[name.toLowerCase()] = value as string;
    }
    return writeHead.apply(this, args);
  };
  prototype.write = function (...args) {
    add(this, args[0]);
    return write.apply(this, args);
  };
  prototype.end = function (...args) {
    add(this, args[0]);
    const answer = answerOf(this);
    if (answer !== undefined) {
      const { method, url = "" } = this.req;
      const text = answer.length <= maxBodyBytes ? Buffer.concat(answer.chunks).toString() : null;
      const headers = { ...this.getHeaders(), ...answer.headers };
      const line = { method, path: url.slice("/netbackup".length), status: this.statusCode, headers, text };
      appendFileSync(file, `${JSON.stringify(line)}\n`);
    }
    return end.apply(this, args);
  };
}

const answersFile = process.env["SALLYPORT_CONTRACT_ANSWERS"];
const [, program = "", command] = process.argv;
if (answersFile !== undefined && command === "primary" && program.endsWith("main.ts"))
  await record(answersFile);
