import { readFile } from "node:fs/promises";
import { Agent, request, type RequestOptions } from "node:https";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { startProgram, type Program } from "../processes.ts";
import type { TestBed } from "../test-bed.ts";

/** A job's attributes as the API shows them. */
export type JobAttributes = Record<string, string | number>;

/** The primary, as `sallyport primary` runs it, and what the bench does with it. */
export interface BenchedPrimary extends AsyncDisposable {
  readonly program: Program;
  readonly dataDir: string;
  /** Asks its API; the answer's body as text. */
  call(method: string, path: string, body?: unknown): Promise<string>;
  /** Makes a policy of one folder. */
  createPolicy(policyName: string, folder: string): Promise<void>;
  /**
   * Backs a policy up.
   * @param onLook what is told of the job each time that it is looked at
   * @returns the job's attributes at its end
   * @throws Error when it did not end with status 0
   */
  backUp(policyName: string, onLook?: (job: JobAttributes) => void): Promise<JobAttributes>;
}

const main = join(import.meta.dirname, "..", "..", "packages", "cli", "bin", "sallyport.js");
const credentials = { userName: "bench", password: "bench-of-the-primary" };
/** How often a job that runs is looked at, ms: more often than its progress is written, and seldom enough to cost little. */
const lookMs = 400;
/** The name of this machine in policies. */
export const clientName = "benchclient";

/** Starts `sallyport primary` with its defaults, on a folder of the test bed; its log goes to a file. */
export function launchPrimary(bed: TestBed, name: string): Promise<Program> {
  const profileDir = process.env["BENCH_CPU_PROF"];
  const profiling = profileDir === undefined ? [] : ["--cpu-prof", "--cpu-prof-dir", profileDir];
  const where = ["--data", join(bed.dir, name), "--listen", "127.0.0.1:0", "--host-name", clientName];
  return startProgram({
    file: main,
    args: ["primary", ...where, "--json"],
    logDir: bed.dir,
    env: {
      SALLYPORT_PRIMARY_USER: credentials.userName,
      SALLYPORT_PRIMARY_PASSWORD: credentials.password,
    },
    // As the command itself starts it.
    execArgv: ["--max-semi-space-size=8", ...profiling],
    factsInOutput(output) {
      const url = /"url":\s*"([^"]+)"/.exec(output)?.[1];
      return url === undefined ? undefined : { port: Number(new URL(url).port) };
    },
  });
}

/** Starts it and logs in. */
export async function startPrimary(bed: TestBed, name: string): Promise<BenchedPrimary> {
  const dataDir = join(bed.dir, name);
  const program = await launchPrimary(bed, name);
  const ca = await readFile(join(dataDir, "tls", "ca.pem"), "utf8");
  const agent = new Agent({ ca, keepAlive: true });
  let token = "";
  const call = (method: string, path: string, body?: unknown) =>
    callText(
      {
        host: "127.0.0.1",
        port: Number(program.facts["port"]),
        method,
        path: `/netbackup${path}`,
        headers: { authorization: token, "content-type": "application/json" },
        agent,
      },
      body,
    );
  token = (JSON.parse(await call("POST", "/login", credentials)) as { token: string }).token;
  const lookAt = async (id: string) =>
    (JSON.parse(await call("GET", `/admin/jobs/${id}`)) as { data: { attributes: JobAttributes } }).data
      .attributes;
  return {
    program,
    dataDir,
    call,
    async createPolicy(policyName, folder) {
      const policy = {
        policyName,
        policyType: "Standard",
        policyAttributes: { active: true },
        clients: [{ hostName: clientName, OS: "Linux", hardware: "Linux" }],
        schedules: [],
        backupSelections: { selections: [folder] },
      };
      await call("POST", "/config/policies/", {
        data: { type: "policy", id: policyName, attributes: { policy } },
      });
    },
    async backUp(policyName, onLook) {
      const answer = await call("POST", "/admin/manual-backup", {
        data: { type: "backupRequest", attributes: { policyName } },
      });
      const { data } = JSON.parse(answer) as { data: { id: string }[] };
      for (;;) {
        const job = await lookAt(data[0]?.id ?? "");
        onLook?.(job);
        if (job["state"] === "DONE" && job["status"] === 0) return job;
        if (job["state"] === "DONE") throw new Error(`the backup ended with status ${job["status"]}`);
        await pause(lookMs);
      }
    },
    async [Symbol.asyncDispose]() {
      agent.destroy();
      await program.stop();
    },
  };
}

function callText(options: RequestOptions, body: unknown): Promise<string> {
  return new Promise((resolve, reject) => {
    const outgoing = request(options, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        const answer = Buffer.concat(chunks).toString();
        if ((response.statusCode ?? 0) < 300) resolve(answer);
        else reject(new Error(`${options.path}: the primary answered ${response.statusCode}: ${answer}`));
      });
    });
    outgoing.on("error", reject);
    outgoing.end(body === undefined ? undefined : JSON.stringify(body));
  });
}
