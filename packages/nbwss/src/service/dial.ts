import { Agent } from "node:https";
import type { Duplex } from "node:stream";
import type { ConnectionOptions } from "node:tls";
import { WebSocket } from "ws";
import { Channel } from "../channel.ts";
import { systemClock, type Clock } from "../clock.ts";
import { NbwssError } from "../errors.ts";
import { defaultLimits, type NbwssLimits } from "../limits.ts";
import { ServiceConnection, type ServiceHandler } from "./connection.ts";

/** How a primary dials an endpoint. */
export interface DialOptions extends ServiceHandler {
  /** The endpoint's `wss://` URL; `ws://` is refused (NBWSS, roles). */
  url: string;
  /** The token of the endpoint details. */
  token: string;
  /** What to trust, beside the system's authorities; verification can't be switched off. */
  tls?: Pick<ConnectionOptions, "ca" | "checkServerIdentity">;
  /** Gives up dialling. */
  signal?: AbortSignal;
  limits?: Partial<NbwssLimits>;
  clock?: Clock;
}

/**
 * Dials an endpoint, proves itself with the token, and resolves when the endpoint has said `valid:true` (NBWSS,
 * CONNECT).
 * @throws NbwssError `invalid_url`, `dial_failed`, `token_refused`, `connect_timeout` or `cancelled`
 */
export async function dialEndpoint(options: DialOptions): Promise<ServiceConnection> {
  const limits = { ...defaultLimits, ...options.limits };
  const clock = options.clock ?? systemClock;
  const url = parseEndpointUrl(options.url);
  if (options.signal?.aborted === true) throw new NbwssError("cancelled", "dialling was given up");
  const socket = new WebSocket(url, {
    maxPayload: limits.maxMessageBytes,
    perMessageDeflate: false,
    followRedirects: false,
    // An agent of its own carries the TLS options that `ws` has no types for.
    agent: new Agent({ ...options.tls, minVersion: "TLSv1.2" }),
  });
  let giveUpWith: NbwssError | undefined;
  const giveUp = (error: NbwssError) => {
    giveUpWith ??= error;
    socket.terminate();
  };
  const timer = clock.after(limits.dialTimeoutMs, () =>
    giveUp(
      new NbwssError("connect_timeout", `${url.host} has not accepted within ${limits.dialTimeoutMs} ms`),
    ),
  );
  const abort = () => giveUp(new NbwssError("cancelled", "dialling was given up"));
  options.signal?.addEventListener("abort", abort);
  try {
    const stream = await opened(socket);
    const channel = new Channel(socket, stream, limits, clock);
    const connection = new ServiceConnection({ channel, clock, limits, handler: options });
    await connection.connect(options.token);
    return connection;
  } catch (error) {
    throw giveUpWith ?? toNbwssError(error, url);
  } finally {
    timer.cancel();
    options.signal?.removeEventListener("abort", abort);
  }
}

/**
 * Reads an endpoint's URL.
 * @throws NbwssError `invalid_url`
 */
export function parseEndpointUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== "wss:" || url.username !== "" || url.password !== "") {
    throw new NbwssError(
      "invalid_url",
      "an endpoint's URL has to be wss://HOST[:PORT]/PATH, without credentials",
    );
  }
  return url;
}

function opened(socket: WebSocket): Promise<Duplex | undefined> {
  return new Promise((resolve, reject) => {
    let stream: Duplex | undefined;
    socket.once("upgrade", (response) => (stream = response.socket));
    socket.once("open", () => resolve(stream));
    // Stays: an error after the first one would otherwise end the process.
    socket.on("error", reject);
  });
}

function toNbwssError(error: unknown, url: URL): NbwssError {
  if (error instanceof NbwssError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  const why = message === "" ? (code ?? "unknown reason") : message;
  return new NbwssError("dial_failed", `${url.host} can't be reached: ${why}`, { cause: error });
}
