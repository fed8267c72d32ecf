import type { Clock } from "@sallyport/nbwss";
import { checkDisk } from "../checks/disk-check.ts";
import { checkEndpoint } from "../checks/endpoint-checks.ts";
import { skip, type Check } from "../checks/check.ts";
import { checkGuard } from "../checks/guard-checks.ts";
import { checkIdle } from "../checks/idle-check.ts";
import { checkUpstream } from "../checks/upstream-checks.ts";
import type { AgentLimits } from "../limits.ts";
import type { NbwssService } from "../service.ts";
import type { Poller } from "../sources/poller.ts";

/** What a lone agent tells of itself. */
export interface DiagnosisParts {
  service: NbwssService;
  poller: () => Poller | undefined;
  dataDir: string;
  limits: AgentLimits;
  clock: Clock;
}

/** How a lone agent does, and whether the ways that it needs are open. */
export class Diagnosis {
  readonly #parts: DiagnosisParts;
  readonly #startedAtMs: number;

  constructor(parts: DiagnosisParts) {
    this.#parts = parts;
    this.#startedAtMs = parts.clock.monotonicMs();
  }

  /** What there is to see without asking anybody; no secret among it. */
  status() {
    const { service, poller, clock, limits } = this.#parts;
    return {
      upSeconds: Math.floor((clock.monotonicMs() - this.#startedAtMs) / 1000),
      rssBytes: process.memoryUsage.rss(),
      node: process.version,
      upstream: service.upstream?.origin,
      properties: service.properties,
      outbox: { size: service.outbox.size, max: limits.maxOutboxNotifications },
      groups: service.connections.list(),
      endpoints: this.#endpoints(),
      polling: poller()?.status(),
    };
  }

  /** Looks at everything, one after the other. */
  async check(): Promise<Check[]> {
    const { service, dataDir, limits, clock } = this.#parts;
    const tryToken = (hostName: string) => service.idle.tryToken(hostName);
    const terms = { egress: service.egress, timeoutMs: limits.dialTimeoutMs, tryToken };
    const checks: Check[] = [];
    for (const endpoint of service.administration.list())
      checks.push(...(await checkEndpoint(endpoint, terms)));
    if (checks.length === 0) checks.push(skip("endpoint", "none is saved: sallyport endpoint add"));
    const { upstream } = service;
    if (upstream !== undefined) {
      checks.push(...(await checkUpstream(upstream, { clock, timeoutMs: limits.dialTimeoutMs })));
    }
    return [...checks, ...checkGuard(service.guard.status()), ...checkDisk(dataDir)];
  }

  /** How the searches for idle timers stand, and what those that have ended came to. */
  idleSearches() {
    const { idle, properties } = this.#parts.service;
    const endpoints = idle.list();
    return {
      isSearching: idle.isSearching,
      endpoints,
      checks: checkIdle(endpoints, properties.pingIntervalMs),
    };
  }

  #endpoints() {
    const { administration, idle } = this.#parts.service;
    const timers = new Map(idle.list().map((status) => [status.hostName, status]));
    return administration.list().map((endpoint) => {
      const { hostName, groupId, priority, state, connectionState, failure, closeStatus } = endpoint;
      const { pingIntervalMs, finding, progress } = timers.get(hostName) ?? {};
      const idleTimer = { pingIntervalMs, finding, progress };
      return { hostName, groupId, priority, state, connectionState, failure, closeStatus, idleTimer };
    });
  }
}

/** What `status` returns. */
export type AgentStatus = ReturnType<Diagnosis["status"]>;
