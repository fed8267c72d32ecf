import { setImmediate as nextTurn } from "node:timers/promises";
import type { Clock, Command, Timer } from "@sallyport/nbwss";
import type { Logger } from "pino";
import { maxAuditedPathCharacters } from "../audit/audit-events.ts";
import type { Audit } from "../audit/audit.ts";
import type { CommandRunner } from "../commands/command-runner.ts";
import type { CommandStore } from "../commands/command-store.ts";
import type { HubLimits } from "../config/limits.ts";
import { HubError } from "../errors.ts";
import { decide, type Decision } from "./decide.ts";
import type { RolloutAnnouncer } from "./rollout-announcer.ts";
import type { RolloutMetrics } from "./rollout-metrics.ts";
import { commandIdPrefix, toStanding, type RolloutRow, type TargetRow } from "./rollout-rows.ts";
import type { RolloutStore } from "./rollout-store.ts";
import { targetEndOf } from "./target-end.ts";

/** What the runner needs. */
export interface RolloutRunnerOptions {
  store: RolloutStore;
  commands: Pick<CommandStore, "acceptOnce" | "outcomeOf" | "get">;
  runner: Pick<CommandRunner, "wake" | "cancel">;
  announcer: RolloutAnnouncer;
  audit: Pick<Audit, "record">;
  metrics: RolloutMetrics;
  limits: Pick<HubLimits, "rolloutGatherMs" | "rolloutRetryMs" | "maxRolloutPauseMs">;
  clock: Clock;
  logger: Logger;
}

/** Targets that one step starts at most: what a kill may leave stored and not noted. */
const maxStartedAtOnce = 100;
/** Commands that are taken back before others get their turn. */
const takenBackAtOnce = 20;

/**
 * Starts the stored commands of rollouts, as `decide` says. A target's command is stored under an id that only depends on rollout and
 * primary, and noted after it is stored; a hub that is killed between the two finds it there and does not store it again.
 */
export class RolloutRunner {
  readonly #options: RolloutRunnerOptions;
  /** Ids of commands that ended and are not noted yet. */
  readonly #ended = new Set<string>();
  #timer: { timer: Timer; atMs: number } | undefined;
  #looking: Promise<void> | undefined;
  #isStarted = false;
  #closed = false;
  /** What the two stores say of each other was not compared since one of them failed. */
  #isUnsure = true;

  constructor(options: RolloutRunnerOptions) {
    this.#options = options;
  }

  /** Compares what a former life of the hub has left with the stored commands, and begins; before any of those are forgotten. */
  start(): void {
    this.#isStarted = true;
    this.#tryReconcile();
    this.wake();
  }

  /** Something has changed: looks soon. */
  wake(): void {
    this.#lookAfter(this.#options.limits.rolloutGatherMs);
  }

  /** A stored command has ended; one that is not of a rollout is passed over. */
  ended(commandId: string): void {
    if (!commandId.startsWith(commandIdPrefix)) return;
    this.#ended.add(commandId);
    this.wake();
  }

  /** Looks now; while a look is under way, waits for that one and looks again. Never rejects. */
  async look(): Promise<void> {
    while (this.#looking !== undefined) await this.#looking;
    if (this.#closed) return;
    this.#looking = this.#look();
    await this.#looking;
    this.#looking = undefined;
  }

  /**
   * Ends a rollout before its time: targets that wait are skipped, commands that have not left are taken back.
   * @throws Error when that can't be written
   */
  abort(row: RolloutRow, reason: string): void {
    // One that is stored and not noted yet is no target that waits.
    if (this.#isUnsure) this.#reconcile();
    this.#options.store.end(row, "aborted", reason);
    this.#options.logger.warn({ rollout: row.id, reason }, "rollout.aborted");
    this.wake();
  }

  /** Starts no more; resolves when the look that is under way has ended. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.timer.cancel();
    await this.#looking;
  }

  #lookAfter(ms: number): void {
    const { clock } = this.#options;
    const atMs = clock.now() + ms;
    if (this.#closed || !this.#isStarted) return;
    if (this.#timer !== undefined) {
      if (this.#timer.atMs <= atMs) return;
      this.#timer.timer.cancel();
    }
    const timer = clock.after(ms, () => {
      this.#timer = undefined;
      void this.look();
    });
    this.#timer = { timer, atMs };
  }

  async #look(): Promise<void> {
    const { store, announcer, limits, clock, logger } = this.#options;
    let isWhole = this.#tryReconcile();
    let nextMs = Infinity;
    try {
      this.#noteEnded();
      for (const row of store.open()) {
        const untilMs = await this.#go(row);
        nextMs = Math.min(nextMs, untilMs ?? Infinity);
        // Counting thousands of targets takes milliseconds: others get their turn between two rollouts.
        await nextTurn();
        if (this.#closed) return;
      }
      for (const row of store.takingBack()) await this.#takeBack(row);
      isWhole = (await announcer.announce()) && isWhole;
      store.prune();
    } catch (err) {
      // A disk that is full, most likely: all is as it was on disk, and is found again.
      logger.error({ err }, "rollouts.failed");
      this.#isUnsure = true;
      isWhole = false;
    }
    if (!isWhole) this.#lookAfter(limits.rolloutRetryMs);
    if (nextMs === Infinity) return;
    // A clock may be set meanwhile, so it is looked at now and then.
    const pauseMs = Math.min(nextMs - clock.now(), limits.maxRolloutPauseMs);
    this.#lookAfter(Math.max(pauseMs, limits.rolloutGatherMs));
  }

  /** Does with one rollout what is to be done now. @returns when to look again, epoch ms; null when something else will tell */
  async #go({ id }: RolloutRow): Promise<number | null> {
    const { store, clock, limits, logger } = this.#options;
    // Others may have paused or aborted it since the list was read.
    const row = store.require(id, []);
    const decision = decide(toStanding(row), store.counts(row), clock.now());
    switch (decision.act) {
      case "wait":
        return decision.untilMs;
      case "abort":
        this.abort(row, decision.reason);
        return null;
      case "finish":
        store.end(row, "finished", null);
        logger.info({ rollout: row.id }, "rollout.finished");
        return null;
      case "start":
        return clock.now() + ((await this.#startSome(row, decision)) ? 0 : limits.rolloutRetryMs);
    }
  }

  /** @returns false when a target found no room, and it is better to wait a little */
  async #startSome(row: RolloutRow, decision: Extract<Decision, { act: "start" }>): Promise<boolean> {
    const { store, runner, logger } = this.#options;
    const command = this.#openCommand(row);
    if (command === undefined) return true;
    const wanted = store.waiting(row, Math.min(decision.count, maxStartedAtOnce));
    if (row.method !== "GET") await Promise.all(wanted.map((target) => this.#record(row, target)));
    // Somebody may have paused or aborted it meanwhile.
    if (this.#closed || store.require(row.id, []).state !== "running") return true;
    this.#isUnsure = true;
    const stored = wanted.filter((target) => this.#storeCommand(row, target, command, decision.closesAtMs));
    store.markStarted(row, stored, decision.nextStartAtMs(stored.length));
    this.#isUnsure = false;
    logger.debug({ rollout: row.id, started: stored.length }, "rollout.started");
    for (const { primary_id: primaryId } of stored) runner.wake(primaryId);
    return stored.length === wanted.length;
  }

  /** What it sends; undefined when that can't be opened, and the rollout is aborted. */
  #openCommand(row: RolloutRow): Command | undefined {
    try {
      return this.#options.store.commandOf(row);
    } catch (error) {
      if (!(error instanceof HubError) || error.code !== "unsealable") throw error;
      this.abort(row, error.message);
      return undefined;
    }
  }

  /** @returns false when there is no room for it now: then it comes after all others */
  #storeCommand(row: RolloutRow, target: TargetRow, command: Command, closesAtMs: number | null): boolean {
    const { store, commands, clock } = this.#options;
    const leftMs = closesAtMs === null ? Infinity : closesAtMs - clock.now();
    const call = {
      id: target.command_id,
      primary: { id: target.primary_id },
      caller: { kind: row.caller_kind, id: row.caller_id, name: row.created_by },
      from: "hub",
      method: command.method,
      target: { path: row.path },
      timeoutMs: Math.min(row.timeout_ms, Math.max(leftMs, 0)),
    };
    try {
      commands.acceptOnce(call, command);
      return true;
    } catch (error) {
      if (!(error instanceof HubError) || error.code !== "busy") throw error;
      store.putBack(target);
      return false;
    }
  }

  /** Nothing that changes something goes out unrecorded. */
  #record(row: RolloutRow, target: TargetRow): Promise<void> {
    return this.#options.audit.record({
      actor: { kind: row.caller_kind, id: row.caller_id, name: row.created_by },
      from: "hub",
      action: `command ${row.method} ${row.path.slice(0, maxAuditedPathCharacters)}`,
      target: `/primaries/${target.primary_id}`,
      result: "started",
      status: null,
      requestId: target.command_id,
    });
  }

  async #takeBack(row: RolloutRow): Promise<void> {
    const { store, runner } = this.#options;
    for (const [index, { command_id: commandId }] of store.started(row).entries()) {
      if (index % takenBackAtOnce === 0) await nextTurn();
      try {
        runner.cancel(commandId);
      } catch (error) {
        const code = error instanceof HubError ? error.code : undefined;
        // It has left, and will end by itself.
        if (code !== "command_sent" && code !== "no_such_command") throw error;
      }
    }
    store.markTakenBack(row);
  }

  #noteEnded(): void {
    if (this.#ended.size === 0) return;
    const ids = [...this.#ended];
    this.#endAll(ids);
    for (const id of ids) this.#ended.delete(id);
  }

  #endAll(commandIds: readonly string[]): void {
    const { store, commands, metrics, logger } = this.#options;
    const ends = commandIds.flatMap((id) => targetEndOf(commands, id) ?? []);
    const ended = store.endTargets(ends);
    for (const { state } of ended) metrics.ended(state);
    if (ended.length > 0) logger.debug({ ended: ended.length }, "rollout.targets_ended");
  }

  /** @returns false when it failed, which the log has */
  #tryReconcile(): boolean {
    if (!this.#isUnsure) return true;
    try {
      this.#reconcile();
      return true;
    } catch (err) {
      this.#options.logger.error({ err }, "rollouts.failed");
      return false;
    }
  }

  /** Brings the targets in line with the stored commands. Whatever was stored and not noted is among the first that wait. */
  #reconcile(): void {
    const { store, commands } = this.#options;
    for (const row of store.open()) {
      const next = store.waiting(row, 2 * maxStartedAtOnce);
      const found = next.filter(({ command_id: id }) => commands.outcomeOf(id) !== undefined);
      if (found.length > 0) store.markStarted(row, found);
    }
    this.#endAll(store.allStarted().map(({ command_id: id }) => id));
    this.#isUnsure = false;
  }
}
