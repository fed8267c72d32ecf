import { readFile, mkdtemp, rm } from "node:fs/promises";
import { request, type RequestOptions } from "node:https";
import type { IncomingHttpHeaders } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import {
  dialEndpoint,
  failureAnswer,
  type DialOptions,
  type NbwssLimits,
  type ServiceConnection,
  type ServiceHandler,
} from "@sallyport/nbwss";
import { pino } from "pino";
import {
  createHub,
  type CreatedApiKey,
  type EnrolledPrimary,
  type Hub,
  type HubOptions,
  type Listening,
  type ListenOptions,
} from "../index.ts";
import { Contract } from "./contract.ts";

/** What the fixture's hubs are opened with. */
export const adminKey = "an-administrator-of-tests";

/** An answer of the hub. */
export interface Reply {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
  json: () => unknown;
}

/** One request to the hub. */
export interface Call extends Pick<RequestOptions, "method" | "signal"> {
  path: string;
  headers?: Record<string, string>;
  body?: string | Buffer;
  /** The API key to send; the administrator's unless null. */
  key?: string | null;
}

/** A folder that is gone when it is disposed of. */
export interface TemporaryFolder {
  path: string;
  [Symbol.asyncDispose]: () => Promise<void>;
}

/** Makes a folder for one test. */
export async function temporaryFolder(): Promise<TemporaryFolder> {
  const path = await mkdtemp(join(tmpdir(), "sallyport-hub-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** Lines of a pino log, and waiting for them. */
export class LogLines {
  readonly lines: Record<string, unknown>[] = [];
  text = "";
  readonly logger;
  #waiting: { event: string; resolve: (line: Record<string, unknown>) => void }[] = [];

  constructor() {
    const write = (chunk: Buffer, _: unknown, done: () => void) => {
      this.text += chunk.toString();
      const line = JSON.parse(chunk.toString()) as Record<string, unknown>;
      this.lines.push(line);
      const ready = this.#waiting.filter(({ event }) => event === line["msg"]);
      this.#waiting = this.#waiting.filter(({ event }) => event !== line["msg"]);
      for (const { resolve } of ready) resolve(line);
      done();
    };
    this.logger = pino({ level: "debug" }, new Writable({ write }));
  }

  all(event: string): Record<string, unknown>[] {
    return this.lines.filter((line) => line["msg"] === event);
  }

  /** The next line of this name. */
  next(event: string): Promise<Record<string, unknown>> {
    return new Promise((resolve) => this.#waiting.push({ event, resolve }));
  }
}

/** A hub that listens on loopback with a certificate of its own, and what a test does with it. */
export class HubFixture implements AsyncDisposable {
  readonly hub: Hub;
  readonly url: string;
  readonly ca: string;
  readonly metricsUrl: string | undefined;
  readonly log: LogLines;
  readonly #dialled: ServiceConnection[] = [];
  readonly #folder: AsyncDisposable | undefined;
  #contract!: Contract;

  private constructor(
    hub: Hub,
    listening: { url: string; ca: string; metricsUrl?: string | undefined },
    log: LogLines,
    folder?: AsyncDisposable,
  ) {
    this.hub = hub;
    this.url = listening.url;
    this.ca = listening.ca;
    this.metricsUrl = listening.metricsUrl;
    this.log = log;
    this.#folder = folder;
  }

  /** Starts a hub; in a folder of its own unless `dataDir` is given. */
  static async start(
    options: Partial<HubOptions> = {},
    listen: Partial<ListenOptions> & { caFile?: string } = {},
  ): Promise<HubFixture> {
    const folder = options.dataDir === undefined ? await temporaryFolder() : undefined;
    const log = new LogLines();
    const dataDir = options.dataDir ?? folder?.path ?? "";
    const hub = await createHub({ adminKey, ...options, dataDir, log: log.logger });
    const { url, metricsUrl, ...own } = await startListening(hub, listen, folder);
    const caFile = listen.caFile ?? own.caFile;
    const fixture = new HubFixture(
      hub,
      { url, ca: await readFile(caFile ?? "", "utf8"), metricsUrl },
      log,
      folder,
    );
    const document = await fixture.#call({ path: "/openapi.json", key: null });
    if (document.status !== 200) throw new Error(document.text);
    fixture.#contract = Contract.of(document.text);
    return fixture;
  }

  /**
   * Makes a request; the path goes out exactly as it is given. The answer is held against `/openapi.json`.
   * @throws Error also when the answer is not as it is described there
   */
  async call(call: Call): Promise<Reply> {
    const reply = await this.#call(call);
    const { path, method = "GET" } = call;
    const contentType = reply.headers["content-type"];
    if (method !== "HEAD") this.#contract.check({ ...reply, path, method, contentType });
    return reply;
  }

  #call({ path, method = "GET", headers = {}, body, key = adminKey, signal }: Call): Promise<Reply> {
    const authorization: Record<string, string> = key === null ? {} : { Authorization: `Bearer ${key}` };
    const { hostname, port } = new URL(this.url);
    const options = { hostname, port, path, method, ca: this.ca, agent: false, signal };
    return new Promise((resolve, reject) => {
      const outgoing = request({ ...options, headers: { ...authorization, ...headers } }, (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () => {
          const text = Buffer.concat(chunks).toString("utf8");
          const json = (): unknown => JSON.parse(text);
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text, json });
        });
      });
      outgoing.on("error", reject);
      outgoing.end(body);
    });
  }

  /** Sends JSON. */
  post(path: string, value: unknown, more: Partial<Call> = {}): Promise<Reply> {
    const headers = { "Content-Type": "application/json", ...more.headers };
    return this.call({ ...more, path, method: "POST", headers, body: JSON.stringify(value) });
  }

  /** Makes an API key as the administrator. */
  async makeKey(wanted: {
    name: string;
    role?: string;
    scope?: object;
    expiresAt?: string;
  }): Promise<CreatedApiKey> {
    const reply = await this.post("/api/v1/api-keys", wanted);
    if (reply.status !== 201) throw new Error(reply.text);
    return reply.json() as CreatedApiKey;
  }

  /** Signs in as the console does; returns the headers of its requests, which go with `key: null`. */
  async signIn(proof: object): Promise<{ Cookie: string; Origin: string }> {
    const reply = await this.post("/api/v1/session", proof, { key: null });
    if (reply.status !== 204) throw new Error(reply.text);
    const Cookie = reply.headers["set-cookie"]?.[0]?.split(";", 1)[0] ?? "";
    return { Cookie, Origin: this.url };
  }

  async enrol(name = "store-17"): Promise<EnrolledPrimary> {
    const reply = await this.post("/api/v1/primaries", { name });
    if (reply.status !== 201) throw new Error(reply.text);
    return reply.json() as EnrolledPrimary;
  }

  /** Connects as a primary, with the details that enrolment gave. */
  async dial(
    primary: EnrolledPrimary,
    execute: ServiceHandler["execute"] = refuse,
    limits: Partial<NbwssLimits> = {},
    more: Pick<DialOptions, "extensions"> = {},
  ): Promise<ServiceConnection> {
    const { url, token } = primary.endpoint;
    const connection = await dialEndpoint({ url, token, tls: { ca: this.ca }, execute, limits, ...more });
    this.#dialled.push(connection);
    return connection;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#dialled.map((connection) => connection.close()));
    await this.hub.close();
    await this.#folder?.[Symbol.asyncDispose]();
  }
}

async function startListening(
  hub: Hub,
  listen: Partial<ListenOptions>,
  folder?: AsyncDisposable,
): Promise<Listening> {
  try {
    return await hub.listen({ host: "127.0.0.1", port: 0, ...listen });
  } catch (error) {
    await hub.close();
    await folder?.[Symbol.asyncDispose]();
    throw error;
  }
}

function refuse() {
  return Promise.resolve(failureAnswer(501, 501, "this primary of a test answers nothing"));
}
