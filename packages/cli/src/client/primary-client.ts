import { z } from "zod";
import { fromEnvironment } from "../environment.ts";
import { Failure } from "../failure.ts";
import { readCaFile, readSecret } from "../secrets.ts";
import { readAdministration } from "./lone-agent.ts";
import { errorTextOf } from "./hub-client.ts";
import { HttpsClient } from "./https-client.ts";

/** How a command finds a primary's (or lone agent's) own REST API. */
export interface PrimaryOptions {
  /** The data folder of a lone agent on this machine; the others are then not used. */
  agent?: string;
  primary?: string;
  user?: string;
  passwordFile?: string;
  ca?: string;
}

/** The media type that our own clients speak. */
export const netbackupJson = "application/vnd.netbackup+json;version=12.0";

const login = z.looseObject({ token: z.string() });

/** Reads the token from the answer of `POST /netbackup/login`. */
export function tokenOf(text: string): string {
  return login.parse(JSON.parse(text)).token;
}

/** The primary's REST API on premises, as its administrator uses it. */
export class PrimaryClient implements AsyncDisposable {
  readonly #https: HttpsClient;
  readonly #token: string;

  private constructor(https: HttpsClient, token: string) {
    this.#https = https;
    this.#token = token;
  }

  /**
   * Logs in with options and environment: `SALLYPORT_PRIMARY`, `SALLYPORT_PRIMARY_USER`,
   * `SALLYPORT_PRIMARY_PASSWORD`, `SALLYPORT_PRIMARY_CA`.
   * A lone agent on this machine is found through its data folder instead: `--agent`, `SALLYPORT_AGENT`.
   * @throws Failure
   */
  static async login(options: PrimaryOptions): Promise<PrimaryClient> {
    const isNamed = options.primary !== undefined || options.user !== undefined;
    const agentDir = options.agent ?? (isNamed ? undefined : fromEnvironment("SALLYPORT_AGENT"));
    if (agentDir !== undefined) {
      const { url, caPem, token } = readAdministration(agentDir);
      return new PrimaryClient(new HttpsClient(url, caPem), token);
    }
    const origin = options.primary ?? fromEnvironment("SALLYPORT_PRIMARY") ?? "https://127.0.0.1:1556";
    const userName = options.user ?? fromEnvironment("SALLYPORT_PRIMARY_USER");
    if (userName === undefined) {
      throw new Failure("no user is named: set SALLYPORT_PRIMARY_USER or give --user NAME", { exitCode: 2 });
    }
    const password = readSecret(
      "the password",
      "--password-file",
      options.passwordFile,
      "SALLYPORT_PRIMARY_PASSWORD",
    );
    const https = new HttpsClient(origin, readCaFile(options.ca ?? fromEnvironment("SALLYPORT_PRIMARY_CA")));
    const { status, text } = await https.send({
      method: "POST",
      path: "/netbackup/login",
      headers: { "content-type": netbackupJson, accept: netbackupJson },
      body: JSON.stringify({ userName, password }),
    });
    if (status === 201) return new PrimaryClient(https, tokenOf(text));
    await https.close();
    throw new Failure(`login at ${https.origin} failed (${status}): ${errorTextOf(text)}`);
  }

  /** Calls a path below `/netbackup` and reads the JSON answer. @throws Failure with the primary's own words */
  async call(method: "GET" | "POST" | "PUT" | "DELETE", path: string, body?: unknown): Promise<unknown> {
    const { status, text } = await this.#https.send({
      method,
      path: `/netbackup${path}`,
      headers: { authorization: this.#token, "content-type": netbackupJson, accept: netbackupJson },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (status >= 200 && status < 300) return text === "" ? undefined : (JSON.parse(text) as unknown);
    throw new Failure(`${this.#https.origin} answered ${status}: ${errorTextOf(text)}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#https.close();
  }
}
