import { join } from "node:path";
import type { Clock, Command, CommandAnswer } from "@sallyport/nbwss";
import { Registry } from "prom-client";
import { Audit } from "../audit/audit.ts";
import { CommandAnnouncer } from "../commands/command-announcer.ts";
import { CommandRunner } from "../commands/command-runner.ts";
import { CommandStore } from "../commands/command-store.ts";
import { defaultHubLimits, type HubLimits } from "../config/limits.ts";
import { Recorder } from "../log/recorder.ts";
import { openSqliteLog } from "../log/sqlite-log.ts";
import { RolloutAnnouncer } from "../rollouts/rollout-announcer.ts";
import { RolloutMetrics } from "../rollouts/rollout-metrics.ts";
import { RolloutRunner } from "../rollouts/rollout-runner.ts";
import { RolloutStore, type RolloutToKeep } from "../rollouts/rollout-store.ts";
import { openSealing } from "../secrets/sealing.ts";
import type { PrimaryRecord } from "../views/primaries.ts";
import { LogLines } from "./hub-fixture.ts";

/** What differs from life to life. */
export interface RolloutLifeOptions {
  clock: Clock;
  /** Answers a command that has left. */
  send: (primaryId: string, command: Command) => Promise<CommandAnswer>;
  isConnected?: (primaryId: string) => boolean;
  limits?: Partial<HubLimits>;
}

/** One life of a hub, as far as rollouts go: on the files of a folder that the next life finds. */
export async function openRolloutLife(folder: string, options: RolloutLifeOptions) {
  const { clock, send, isConnected = () => true } = options;
  const limits = { ...defaultHubLimits, ...options.limits };
  const now = () => clock.now();
  const log = openSqliteLog({ path: join(folder, "log.sqlite"), maxPendingEvents: 100_000 });
  const sealing = await openSealing(join(folder, "key"));
  const commands = new CommandStore({ path: join(folder, "commands.sqlite"), sealing, limits, now });
  const store = new RolloutStore({ path: join(folder, "rollouts.sqlite"), sealing, limits, now });
  const recorder = new Recorder({ log, now, newId: () => crypto.randomUUID() });
  const lines = new LogLines();
  const { logger } = lines;
  const runner: CommandRunner = new CommandRunner({
    store: commands,
    announcer: new CommandAnnouncer({ store: commands, recorder, logger }),
    clock,
    logger,
    sweepMs: limits.storedCommandSweepMs,
    findPrimary: (id) => ({ id }) as PrimaryRecord,
    isConnected: ({ id }) => isConnected(id),
    send({ id }, command, { leaving }) {
      leaving?.();
      return send(id, command);
    },
    ended: (id) => rollouts.ended(id),
  });
  const announcer = new RolloutAnnouncer({ store, recorder, logger });
  const audit = new Audit({ recorder, clock, logger });
  const metrics = new RolloutMetrics(new Registry(), store);
  const rollouts: RolloutRunner = new RolloutRunner({
    store,
    commands,
    runner,
    announcer,
    audit,
    metrics,
    limits,
    clock,
    logger,
  });
  return {
    store,
    commands,
    runner,
    rollouts,
    lines,
    log,
    /** The events of these types, in order. */
    events: async (...types: string[]) => log.read({ after: 0, limit: 100_000, types }),
    async [Symbol.asyncDispose]() {
      await rollouts.close();
      await runner.close();
      await audit.settled();
      commands.close();
      store.close();
      await log.close();
    },
  };
}

/** A rollout to so many primaries, `p0`, `p1` and so on. */
export function rolloutTo(count: number, more: Partial<RolloutToKeep> = {}): RolloutToKeep {
  return {
    id: "r1",
    name: "a test",
    caller: { kind: "api-key", id: "k", name: "tester" },
    command: { uri: "/netbackup/x?secret=s3cret", method: "POST", headers: {}, parameters: "the body" },
    rules: { ratePerMinute: 1_000, maxRunning: 1_000, windows: [], abortWhen: null },
    timeoutMs: 3_600_000,
    primaries: Array.from({ length: count }, (_, n) => `p${n}`),
    ...more,
  };
}
