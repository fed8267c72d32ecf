import type { ConnectionOptions } from "node:tls";
import { Channel } from "../channel.ts";
import { systemClock, type Clock } from "../clock.ts";
import { NbwssError } from "../errors.ts";
import { defaultLimits, type NbwssLimits } from "../limits.ts";
import { sallyportProtocol, termsOf, type ConnectionTerms } from "../subprotocol.ts";
import { ServiceConnection } from "./connection.ts";
import type { ServiceHandler } from "./handler.ts";
import type { ProxyEnvironment } from "./proxy.ts";
import { opened, openSocket, toDialError } from "./socket.ts";

/** How a primary dials an endpoint. */
export interface DialOptions extends ServiceHandler {
  /** The endpoint's `wss://` URL; `ws://` is refused (NBWSS, roles). */
  url: string;
  /** The token of the endpoint details. */
  token: string;
  /** What to trust, beside the system's authorities; verification can't be switched off. */
  tls?: Pick<ConnectionOptions, "ca" | "checkServerIdentity">;
  /**
   * An HTTP proxy to go through with CONNECT; a connection that it can't make fails with `dial_failed`. Needs Node 24.5 or newer.
   */
  proxy?: ProxyEnvironment | undefined;
  /**
   * Called when the WebSocket is open and the token not yet sent: the endpoint can be reached, and the connection does not count yet. Who has
   * to end another connection first does it here; when it rejects, the dial is given up with its error.
   */
  beforeConnect?: (() => Promise<void>) | undefined;
  /** Gives up dialling. */
  signal?: AbortSignal | undefined;
  limits?: Partial<NbwssLimits>;
  clock?: Clock;
  /** False to offer NBWSS 1.0 only; otherwise `sallyport.v1` is offered, and used if the endpoint selects it. */
  extensions?: boolean;
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
  const socket = openSocket(url, {
    tls: options.tls,
    proxy: options.proxy,
    protocol: options.extensions === false ? undefined : sallyportProtocol,
    maxPayload: limits.maxMessageBytes,
  });
  let terms: ConnectionTerms = { trackingId: undefined, extended: false };
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
    const stream = await opened(socket, (headers) => {
      terms = termsOf(headers, options.extensions !== false);
    });
    const channel = new Channel(socket, stream, limits, clock);
    const connection = new ServiceConnection({ channel, clock, limits, terms, handler: options });
    await options.beforeConnect?.().catch((error: unknown) => {
      throw new NbwssError("cancelled", (error as Error).message, { cause: error });
    });
    await connection.connect(options.token);
    return connection;
  } catch (error) {
    socket.terminate();
    throw withTrackingId(giveUpWith ?? toDialError(error, url), terms);
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

function withTrackingId(error: NbwssError, { trackingId }: ConnectionTerms): NbwssError {
  if (trackingId === undefined) return error;
  return new NbwssError(error.code, error.message, { cause: error.cause, trackingId });
}
