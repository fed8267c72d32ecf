import type { Clock } from "@sallyport/nbwss";
import { checkDisk } from "../checks/disk-check.ts";
import { checkEndpoint } from "../checks/endpoint-checks.ts";
import type { Check } from "../checks/check.ts";
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
      outbox: { size: service.outbox.size, max: limits.maxOutboxNotifications },
      groups: service.connections.list(),
      endpoints: service.administration
        .list()
        .map(({ hostName, groupId, priority, state, connectionState, failure, closeStatus }) => {
          return { hostName, groupId, priority, state, connectionState, failure, closeStatus };
        }),
      polling: poller()?.status(),
    };
  }

  /** Looks at everything, one after the other. */
  async check(): Promise<Check[]> {
    const { service, dataDir, limits, clock } = this.#parts;
    const terms = { egress: service.egress, timeoutMs: limits.dialTimeoutMs };
    const checks: Check[] = [];
    for (const endpoint of service.administration.list())
      checks.push(...(await checkEndpoint(endpoint, terms)));
    if (checks.length === 0) {
      const detail = "no endpoint is saved: sallyport endpoint add";
      checks.push({ name: "endpoint", subject: "-", outcome: "SKIP", detail });
    }
    const { upstream } = service;
    if (upstream !== undefined) {
      checks.push(...(await checkUpstream(upstream, { clock, timeoutMs: limits.dialTimeoutMs })));
    }
    return [...checks, checkDisk(dataDir)];
  }
}

/** What `status` returns. */
export type AgentStatus = ReturnType<Diagnosis["status"]>;
