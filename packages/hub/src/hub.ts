import { randomUUID } from "node:crypto";
import type { Server } from "node:https";
import type { AddressInfo } from "node:net";
import { promisify } from "node:util";
import { getRequestListener } from "@hono/node-server";
import { ensureServerCertificate } from "@sallyport/certificates";
import { attachEndpoint, systemClock, type Clock, type Endpoint, type NbwssLimits } from "@sallyport/nbwss";
import type { Logger } from "pino";
import { ensureFirstKey } from "./access/first-key.ts";
import type { OidcOptions } from "./access/oidc.ts";
import { makeRemoteAddressOf, type RemoteAddressOf } from "./access/remote-address.ts";
import { defaultHubLimits, type HubLimits } from "./config/limits.ts";
import type { Identity } from "./connections/identity.ts";
import { ConnectionRecord } from "./connections/connection-record.ts";
import { moveAway } from "./connections/drain.ts";
import { Registry } from "./connections/registry.ts";
import { checkToken } from "./connections/token-check.ts";
import { HubError } from "./errors.ts";
import type { Metrics } from "./metrics/metrics.ts";
import { MetricsListener } from "./metrics/metrics-listener.ts";
import { makeAlertRules, makeParts, type HubParts } from "./parts.ts";
import { certificateNames, parsePublicUrl, urlOfListener } from "./public-url.ts";
import { certificateSource, type KeyPair, type KeyPairFiles } from "./tls/key-pair.ts";
import { ServerTls } from "./tls/server-tls.ts";
import { makeServer, startListening, stopListening } from "./server.ts";
import { openState, type HubState } from "./state.ts";
import type { WebhookOptions } from "./webhooks/webhook-parts.ts";

/** What a hub is made of. */
export interface HubOptions {
  /** The folder for everything that it keeps; made with mode 0700 when missing. */
  dataDir: string;
  log: Logger;
  /** `https://HOST[:PORT]` where primaries and people reach the hub; the listening address unless said. */
  publicUrl?: string | undefined;
  /** Further such addresses, for endpoint details: a second name or way, to be used when the first fails. */
  moreUrls?: readonly string[] | undefined;
  /** The first administrator's API key, at least 16 characters; it replaces the one before. Made when there is none. */
  adminKey?: string | undefined;
  /** The built console; without it a page says how to build it. */
  consoleDir?: string | undefined;
  /** The file of the key that stored secrets are sealed with; `credentials.key` in the data folder, made when missing, unless said. */
  credentialKeyFile?: string | undefined;
  /**
   * Addresses and networks (`10.0.0.0/8`) of the proxies in front of the hub. Only what they write into `X-Forwarded-For` is believed; without any,
   * callers and primaries have the address that the connection comes from.
   */
  trustedProxies?: readonly string[] | undefined;
  /** The OpenID provider that users of the console may sign in with; it has to send them back to `PUBLIC-URL/api/v1/session/oidc/callback`. */
  oidc?: OidcOptions | undefined;
  /** Where webhooks may go beside public addresses. */
  webhooks?: WebhookOptions | undefined;
  /** False to speak NBWSS 1.0 only, also with primaries that offer `sallyport.v1`. */
  extensions?: boolean | undefined;
  limits?: Partial<HubLimits> | undefined;
  clock?: Clock | undefined;
}

/** Where a hub listens. */
export interface ListenOptions {
  host: string;
  /** 0 for any that is free. */
  port: number;
  /**
   * A certificate and its key: PEM, or the files that have them, which are read again when they change. Without it the hub makes an
   * authority of its own in `DATA/tls`.
   */
  tls?: KeyPair | KeyPairFiles | undefined;
  /** A loopback address that serves `/metrics` over plain HTTP without a key. */
  metrics?: { host: string; port: number } | undefined;
}

/** Where a hub is to be found. */
export interface Listening {
  url: string;
  /** The hub's own authority, when it has one, for clients to trust. */
  caFile?: string;
  /** Where the metrics are without a key, when that was asked for. */
  metricsUrl?: string;
}

/** A hub. */
export interface Hub extends AsyncDisposable {
  /**
   * Starts to listen; may be called once.
   * @throws Error when the address can't be had; HubError `bad_option` on a second call
   */
  listen(options: ListenOptions): Promise<Listening>;
  /** The first administrator's key, only when it was made here: show it now, it can't be read again. */
  readonly adminKey: string | undefined;
  /** Looks for a new certificate at once; never rejects: one that can't be used is logged, and the former stays. */
  reloadCertificate(): Promise<void>;
  /** Looks at once for what raises or resolves alerts, all that connections have done included; resolves when it is written down. */
  lookForAlerts(): Promise<void>;
  /** The WebSocket side. */
  readonly endpoint: Endpoint;
  /** All its metrics as Prometheus text. */
  readonly metrics: Pick<Metrics, "text" | "contentType">;
  /**
   * Takes no new connections and commands, lets those commands that run end (up to `drainTimeoutMs`), moves the primaries away with 1012,
   * spread over a window (`drainWindowMs`), then closes the log. Calling it again returns the same promise.
   */
  close(): Promise<void>;
}

/**
 * Makes a hub: the cloud side of NBWSS, with its HTTP API and console.
 * @throws DataFolderError; HubError `bad_option`; Error when the data can't be opened
 */
export async function createHub(options: HubOptions): Promise<Hub> {
  const limits = { ...defaultHubLimits, ...options.limits };
  const clock = options.clock ?? systemClock;
  const publicUrl = options.publicUrl === undefined ? undefined : parsePublicUrl(options.publicUrl);
  const moreUrls = (options.moreUrls ?? []).map(parsePublicUrl);
  const remoteAddressOf = makeRemoteAddressOf(options.trustedProxies ?? []);
  const state = await openState({
    dataDir: options.dataDir,
    logger: options.log,
    limits,
    clock,
    credentialKeyFile: options.credentialKeyFile,
  });
  try {
    const { apiKeys, users, recorder } = state;
    const adminKey = await ensureFirstKey({ apiKeys, users, recorder, newId: randomUUID }, options.adminKey);
    await makeAlertRules(state, limits).ensureFirst();
    const now = () => clock.now();
    const record = new ConnectionRecord({ recorder, logger: options.log, now });
    const { primaries, tokens, timeline } = state;
    const registry = new Registry({ primaries, tokens, timeline, record, now, limits });
    await registry.recordLeftOver();
    return new RunningHub({
      options,
      limits,
      clock,
      state,
      registry,
      record,
      adminKey,
      publicUrl,
      moreUrls,
      remoteAddressOf,
    });
  } catch (error) {
    await state.close();
    throw error;
  }
}

interface Parts {
  options: HubOptions;
  limits: HubLimits;
  clock: Clock;
  state: HubState;
  registry: Registry;
  record: ConnectionRecord;
  adminKey: string | undefined;
  publicUrl: URL | undefined;
  moreUrls: readonly URL[];
  remoteAddressOf: RemoteAddressOf;
}

class RunningHub implements Hub {
  readonly adminKey: string | undefined;
  readonly endpoint: Endpoint;
  readonly metrics: Metrics;
  readonly #parts: Parts;
  readonly #server: Server;
  readonly #made: HubParts;
  readonly #tls: ServerTls;
  #publicUrl: URL | undefined;
  #isListening = false;
  #metricsListener: MetricsListener | undefined;
  #closing: Promise<void> | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#publicUrl = parts.publicUrl;
    this.adminKey = parts.adminKey;
    const { limits, clock, state, registry, options } = parts;
    this.#made = makeParts({
      limits,
      clock,
      logger: options.log,
      state,
      registry,
      consoleDir: options.consoleDir,
      remoteAddressOf: parts.remoteAddressOf,
      oidc: options.oidc,
      webhooks: options.webhooks,
      publicUrl: () => this.#requirePublicUrl(),
      moreUrls: parts.moreUrls,
      isClosing: () => this.#closing !== undefined,
      unproven: () => this.endpoint.unproven,
      probing: () => this.endpoint.probing,
      tcpConnections: () => promisify(this.#server.getConnections.bind(this.#server))(),
    });
    const { app, gateway, deadlines } = this.#made;
    this.metrics = this.#made.metrics;
    const serveRest = getRequestListener(app.fetch, { overrideGlobalObjects: false });
    this.#server = makeServer(limits, (request, response) => {
      deadlines.watch(request, response);
      if (!gateway.handle(request, response)) void serveRest(request, response);
    });
    this.#tls = new ServerTls({
      server: this.#server,
      checkMs: limits.tlsCheckMs,
      settleMs: limits.tlsSettleMs,
      clock,
      logger: options.log,
      registry: this.metrics.registry,
    });
    this.endpoint = this.#attachEndpoint();
  }

  async listen({ host, port, tls, metrics }: ListenOptions): Promise<Listening> {
    if (this.#isListening || this.#closing !== undefined) {
      throw new HubError("bad_option", "a hub listens once; make another one");
    }
    this.#isListening = true;
    const own = tls === undefined ? await this.#ownCertificate(host) : undefined;
    await this.#tls.start(certificateSource(tls, () => this.#ownCertificate(host)));
    await startListening(this.#server, host, port);
    // Such as no file descriptor left for one more connection: that one is lost, the hub goes on.
    this.#server.on("error", (err) => this.#parts.options.log.error({ err }, "server.error"));
    const url = urlOfListener(this.#server.address() as AddressInfo);
    this.#publicUrl ??= url;
    this.#parts.options.log.info({ url: url.origin, publicUrl: this.#publicUrl.origin }, "hub.listening");
    this.#made.retention.start();
    this.#made.alertWatch.start();
    this.#made.rolloutRunner.start();
    void this.#made.runner.start();
    this.#made.tokenExpiry.start();
    await this.#made.webhooks.start();
    const listening: Listening = { url: url.origin };
    if (own !== undefined) listening.caFile = own.caFile;
    if (metrics !== undefined) {
      const logger = this.#parts.options.log;
      this.#metricsListener = await MetricsListener.start({
        metrics: this.metrics,
        logger,
        ...metrics,
      });
      listening.metricsUrl = this.#metricsListener.url;
    }
    return listening;
  }

  reloadCertificate(): Promise<void> {
    return this.#tls.reload("asked for");
  }

  async lookForAlerts(): Promise<void> {
    await this.#parts.registry.settled();
    await this.#made.alertWatch.look();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    const { clock, limits, state, registry, options } = this.#parts;
    const patience = Promise.withResolvers<void>();
    const timer = clock.after(limits.drainTimeoutMs, () => patience.resolve());
    const { gateway, audit, apiKeyUsage, oidc, streams, retention, runner, tokenExpiry } = this.#made;
    const { alertWatch, webhooks } = this.#made;
    // What goes away from now on is the hub's own doing.
    await alertWatch.close();
    await this.#made.rolloutRunner.close();
    streams.close();
    webhooks.stop();
    const reason = "the hub is restarting";
    this.endpoint.stopAccepting();
    const commandsEnded = Promise.race([gateway.drain(), patience.promise]);
    await moveAway({
      connections: registry.connections(),
      commandsEnded,
      clock,
      random: Math.random,
      limits,
      reason,
    });
    await commandsEnded;
    timer.cancel();
    await this.endpoint.close(1012, reason);
    // Commands that were cut off by this are answered before their sockets go.
    await gateway.drain();
    await webhooks.close();
    await stopListening(this.#server);
    await this.#tls.close();
    await this.#metricsListener?.close();
    this.metrics.close();
    await tokenExpiry.close();
    await registry.settled();
    await runner.close();
    await audit.settled();
    await apiKeyUsage.settled();
    await oidc?.close();
    await retention.close();
    await state.close();
    options.log.info("hub.closed");
  }

  #attachEndpoint(): Endpoint {
    const { limits, clock, state, registry, record, options } = this.#parts;
    const logger = options.log;
    const { inbox, tokenThrottle, connectionMetrics, lateResponses, runner, probeMetrics } = this.#made;
    const { primaries, tokens } = state;
    const now = () => clock.now();
    const check = { primaries, tokens, record, throttle: tokenThrottle, logger, now };
    return attachEndpoint<Identity>(this.#server, {
      clock,
      limits: endpointLimits(limits),
      extensions: options.extensions ?? true,
      healthIntervalMs: limits.primaryHealthIntervalMs,
      remoteAddressOf: this.#parts.remoteAddressOf,
      authenticate: async (token, from) => checkToken(check, token, from),
      connected: (connection) => {
        registry.add(connection);
        runner.wake(connection.identity.primaryId);
      },
      standing: (identity) => inbox.standing(identity),
      resumed: (connection, resume) => inbox.resumed(connection, resume),
      missed: (connection, gap) => inbox.missed(connection, gap),
      async notified(connection, notification) {
        const received = await inbox.receive(connection, notification);
        logger.debug({ primary: connection.identity.primaryId, ...received }, "notification.stored");
      },
      rejected: (rejection) => {
        connectionMetrics.rejected(rejection.code);
        logger.warn({ ...rejection }, "connection.rejected");
      },
      notStored: ({ identity }, err) => {
        // Those that follow what could not be stored can't be either, which is nothing new.
        const isConsequence = err instanceof HubError && err.code === "out_of_sequence";
        const level = isConsequence ? "debug" : "error";
        logger[level]({ primary: identity.primaryId, err }, "notification.not_stored");
      },
      ignored: ({ identity, trackingId }, what, count) => {
        connectionMetrics.ignored();
        // Once for each connection: a primary of a later version says such things again and again.
        if (count === 1) logger.info({ primary: identity.primaryId, trackingId, what }, "connection.ignored");
      },
      lateResponse: (connection) => lateResponses.note(connection),
      probes: {
        keyOf: ({ primaryId }) => primaryId,
        accepted: (isBusy) => probeMetrics.came(isBusy),
      },
    });
  }

  #ownCertificate(host: string) {
    const { state, clock } = this.#parts;
    return ensureServerCertificate({
      dir: state.path("tls"),
      owner: "Sallyport hub",
      hostNames: certificateNames([this.#publicUrl, ...this.#parts.moreUrls], host),
      nowMs: clock.now(),
    });
  }

  #requirePublicUrl(): URL {
    if (this.#publicUrl === undefined) throw new TypeError("the hub does not listen yet");
    return this.#publicUrl;
  }
}

/** What of the hub's bounds is the endpoint's. */
function endpointLimits(limits: HubLimits): Partial<NbwssLimits> {
  const { maxMessageBytes, connectTimeoutMs, refusalTimeoutMs, pingIntervalMs, maxMissedPongs } = limits;
  const { maxProbes, maxProbeSilenceMs } = limits;
  return {
    maxMessageBytes,
    connectTimeoutMs,
    refusalTimeoutMs,
    pingIntervalMs,
    maxMissedPongs,
    maxInFlight: limits.maxCommandsPerPrimary,
    maxProbes,
    maxProbesPerIdentity: limits.maxProbesPerPrimary,
    maxProbeSilenceMs,
  };
}
