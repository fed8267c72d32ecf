import { randomUUID } from "node:crypto";
import type { Clock } from "@sallyport/nbwss";
import type { Logger } from "pino";
import type { Registry } from "prom-client";
import type { Access } from "../access/access.ts";
import type { Audit } from "../audit/audit.ts";
import type { CommandRunner } from "../commands/command-runner.ts";
import type { HubLimits } from "../config/limits.ts";
import type { HubState } from "../state.ts";
import { RolloutAnnouncer } from "./rollout-announcer.ts";
import { RolloutMetrics } from "./rollout-metrics.ts";
import { RolloutRunner } from "./rollout-runner.ts";
import { Rollouts } from "./rollouts.ts";

/** What rollouts are made of. */
export interface RolloutPartsOptions {
  state: Pick<HubState, "rolloutStore" | "commands" | "recorder" | "primaries">;
  access: Access;
  audit: Audit;
  runner: CommandRunner;
  /** Of metrics. */
  registry: Registry;
  limits: HubLimits;
  clock: Clock;
  logger: Logger;
}

/** Wires the parts of rollouts; nothing runs yet. */
export function makeRolloutParts(options: RolloutPartsOptions): {
  rollouts: Rollouts;
  rolloutRunner: RolloutRunner;
} {
  const { state, registry, access, limits } = options;
  const { rolloutStore: store, commands, recorder, primaries } = state;
  const announcer = new RolloutAnnouncer({ store, recorder, logger: options.logger });
  const metrics = new RolloutMetrics(registry, store);
  const rolloutRunner = new RolloutRunner({ ...options, store, commands, announcer, metrics });
  const rollouts = new Rollouts({
    store,
    runner: rolloutRunner,
    announcer,
    access,
    primaries,
    limits,
    newId: randomUUID,
  });
  return { rollouts, rolloutRunner };
}
