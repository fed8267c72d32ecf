import { join } from "node:path";
import { openDatabase, takeDataFolder, type Database } from "@sallyport/durable";
import { systemClock, type Clock, type ProxyEnvironment } from "@sallyport/nbwss";
import type { Logger } from "pino";
import { defaultAgentLimits, type AgentLimits, type PollingLimits } from "../limits.ts";
import type { NbwssProperties } from "../properties.ts";
import { NbwssService } from "../service.ts";
import { Poller, type PollingTerms } from "../sources/poller.ts";
import { jsonBody } from "../rest/answer.ts";
import type { Upstream } from "../upstream/upstream.ts";
import { administrationApi } from "./administration-api.ts";
import { administratorToken, publishAdministration } from "./administrator.ts";
import { Diagnosis } from "./diagnosis.ts";
import { startAdministrationListener } from "./listener.ts";
import { metricsText, metricsType } from "./metrics.ts";
import { startMonitoringListener } from "./monitoring-listener.ts";

/** What a lone agent is started with. */
export interface LoneAgentOptions {
  /** Where it keeps everything; made when missing, used by one process at a time. */
  dataDir: string;
  /** The NetBackup (or compatible) REST server that it fronts. */
  upstream: Upstream;
  /** Where its administration listens. */
  listen: { host: string; port: number };
  /** Where `/healthz` and `/metrics` are, on loopback and without TLS; nowhere unless said. */
  monitoringListen?: { host: string; port: number } | undefined;
  log: Logger;
  /** An authority to trust beside the system's when dialling endpoints, PEM. */
  endpointCaPem?: string | undefined;
  /** The HTTP proxy on the way to endpoints. */
  proxy?: ProxyEnvironment | undefined;
  properties?: NbwssProperties | undefined;
  /** The guard's rules file; the built-in rules without one. */
  guardRulesFile?: string | undefined;
  /** The cloud may look, and nothing else. */
  readOnly?: boolean | undefined;
  /** What of the upstream is read for notifications, with the agent's own credential; nothing without. */
  polling?: PollingTerms | undefined;
  limits?: Partial<AgentLimits>;
  pollingLimits?: Partial<PollingLimits>;
  clock?: Clock;
}

/** A lone agent that runs. */
export interface LoneAgent extends AsyncDisposable {
  /** Where its administration listens. */
  url: string;
  caFile: string;
  /** Where `/healthz` and `/metrics` are; undefined when they are nowhere. */
  monitoringUrl: string | undefined;
  service: NbwssService;
  /** Undefined when nothing is read. */
  poller: Poller | undefined;
  /** Ends connections and listener; what was not acknowledged stays in the outbox. Calling it again does nothing. */
  close(): Promise<void>;
}

/**
 * Starts an agent that is no part of a primary: the whole NBWSS service in front of a REST server elsewhere, with an administration of its
 * own. This is the one place where its parts are put together.
 * @throws DataFolderError, TypeError when polling is asked for without a credential, Error when the address can't be used
 */
export async function startLoneAgent(options: LoneAgentOptions): Promise<LoneAgent> {
  const { dataDir, upstream, listen, log, endpointCaPem, proxy, properties, clock = systemClock } = options;
  const { guardRulesFile, readOnly } = options;
  const limits = { ...defaultAgentLimits, ...options.limits };
  await using starting = new AsyncDisposableStack();
  starting.use(takeDataFolder(dataDir));
  const database = starting.use(openDatabase({ path: join(dataDir, "agent.db"), migrations: [] }));
  const service = starting.use(
    new NbwssService({
      database,
      log,
      auditDir: join(dataDir, "audit"),
      endpointCaPem,
      proxy,
      limits,
      clock,
      properties,
      guardRulesFile,
      readOnly,
    }),
  );
  const token = administratorToken(dataDir);
  const { maxRequestBytes: maxBodyBytes, maxAdministrationConnections: maxConnections } = limits;
  let poller: Poller | undefined;
  const diagnosis = new Diagnosis({ service, poller: () => poller, dataDir, limits, clock });
  const routes = service.routes();
  routes.get("/sallyport/status", (c) => c.json(diagnosis.status()));
  routes.post("/sallyport/check", async (c) => c.json({ data: await diagnosis.check() }));
  const metrics = () => ({
    text: metricsText(diagnosis.status(), service.guard.figures()),
    type: metricsType,
  });
  routes.get("/sallyport/metrics", (c) => c.json({ text: metrics().text }));
  routes.get("/sallyport/idle-searches", (c) => c.json(diagnosis.idleSearches()));
  routes.post("/sallyport/idle-searches", async (c) => {
    service.idle.search(await jsonBody(c));
    return c.json(diagnosis.idleSearches(), 202);
  });
  const api = administrationApi({ token, routes, log, maxBodyBytes });
  const listener = starting.use(
    await startAdministrationListener({
      ...listen,
      tlsDir: join(dataDir, "tls"),
      nowMs: clock.now(),
      maxConnections,
      fetch: (request) => api.fetch(request),
    }),
  );
  const { url, caFile } = listener;
  await publishAdministration(dataDir, { url, caFile, token });
  service.start(upstream);
  poller = makePoller(options, service, database);
  if (poller !== undefined) starting.use(poller).start();
  const monitoring =
    options.monitoringListen === undefined
      ? undefined
      : starting.use(await startMonitoringListener({ ...options.monitoringListen, metrics, maxConnections }));
  log.info({ url, upstream: upstream.origin, polling: options.polling?.what ?? [] }, "agent.started");
  const running = starting.move();
  const close = () => running.disposeAsync();
  const monitoringUrl = monitoring?.url;
  return { url, caFile, monitoringUrl, service, poller, close, [Symbol.asyncDispose]: close };
}

/** What reads the upstream, with the agent's own credential. */
function makePoller(
  options: LoneAgentOptions,
  service: NbwssService,
  database: Database,
): Poller | undefined {
  const { polling: terms, upstream, log, clock = systemClock, pollingLimits: limits } = options;
  if (terms === undefined || terms.what.length === 0) return undefined;
  const executor = service.upstream?.own;
  if (executor === undefined) {
    throw new TypeError("the upstream can't be polled: the agent has no credential of its own");
  }
  const { outbox } = service;
  const { origin } = upstream;
  const scheduledRateMs = () => service.properties.resendAfterMs;
  return new Poller({ database, outbox, executor, origin, terms, scheduledRateMs, limits, clock, log });
}
