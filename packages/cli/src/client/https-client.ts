import { getCACertificates } from "node:tls";
import { Agent, request, type Dispatcher } from "undici";
import { Failure } from "../failure.ts";

/** A request of a client command. */
export interface ClientRequest {
  method: Dispatcher.HttpMethod;
  path: string;
  headers?: Record<string, string>;
  body?: string | Buffer;
  /** Gives up after this, ms; 60 s unless said. */
  timeoutMs?: number;
}

/** An answer, read whole. */
export interface ClientResponse {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
}

/** HTTPS to one server, verified against the system's authorities and one more where given. */
export class HttpsClient implements AsyncDisposable {
  readonly origin: string;
  /** Its connections, for requests that are streamed. */
  readonly dispatcher: Agent;

  /** @throws Failure when `origin` is no https URL */
  constructor(origin: string, caPem: string | undefined) {
    this.origin = parseHttpsUrl(origin).origin;
    const ca = caPem === undefined ? {} : { ca: [...getCACertificates("default"), caPem] };
    this.dispatcher = new Agent({ connect: { ...ca, minVersion: "TLSv1.2" } });
  }

  /** @throws Failure when the server can't be reached or verified */
  async send({ method, path, headers, body, timeoutMs = 60_000 }: ClientRequest): Promise<ClientResponse> {
    try {
      const response = await request(`${this.origin}${path}`, {
        method,
        headers: headers ?? {},
        body: body ?? null,
        dispatcher: this.dispatcher,
        signal: AbortSignal.timeout(timeoutMs),
      });
      return { status: response.statusCode, headers: response.headers, text: await response.body.text() };
    } catch (error) {
      throw new Failure(`${this.origin} can't be reached: ${reasonOf(error as NodeJS.ErrnoException)}`, {
        cause: error,
      });
    }
  }

  async close(): Promise<void> {
    await this.dispatcher.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** Reads the URL of a server. @throws Failure when it is no https URL */
export function parseHttpsUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === "https:") return url;
  throw new Failure(`"${text}" is no https:// URL`, { exitCode: 2 });
}

function reasonOf(error: NodeJS.ErrnoException): string {
  if (error.name === "TimeoutError") return "no answer in time";
  const untrusted = [
    "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
    "SELF_SIGNED_CERT_IN_CHAIN",
    "DEPTH_ZERO_SELF_SIGNED_CERT",
  ];
  if (untrusted.includes(error.code ?? "")) {
    return "its certificate is not from an authority that this machine knows; name the server's ca.pem with --ca";
  }
  return error.message === "" ? (error.code ?? error.name) : error.message;
}
