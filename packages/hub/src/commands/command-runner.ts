import type { Clock, Command, CommandAnswer, Timer } from "@sallyport/nbwss";
import type { Logger } from "pino";
import { HubError } from "../errors.ts";
import { toGatewayError } from "../gateway/command-errors.ts";
import type { Recorder } from "../log/recorder.ts";
import type { PrimaryRecord } from "../views/primaries.ts";
import type { CommandOutcome, CommandStore, QueuedCommand, QueuedFacts } from "./command-store.ts";

/** What the runner needs. */
export interface CommandRunnerOptions {
  store: CommandStore;
  recorder: Pick<Recorder, "record">;
  clock: Clock;
  logger: Logger;
  /** How often expired commands are looked for, ms. */
  sweepMs: number;
  findPrimary: (id: string) => PrimaryRecord | undefined;
  isConnected: (primary: PrimaryRecord) => boolean;
  send: (
    primary: PrimaryRecord,
    command: Command,
    wait: { timeoutMs: number; caller: string },
  ) => Promise<CommandAnswer>;
}

/**
 * Sends stored commands when their primary is there: one at a time for each primary, in the order of acceptance, each once.
 * That a command is sent is on disk before it leaves; a hub that is killed then ends it as `unknown`, never sends it again.
 */
export class CommandRunner {
  readonly #options: CommandRunnerOptions;
  readonly #running = new Map<string, Promise<void>>();
  #sweep: Timer | undefined;
  #closed = false;

  constructor(options: CommandRunnerOptions) {
    this.#options = options;
  }

  /** Ends what a killed hub left open, and begins to send. */
  start(): void {
    for (const facts of this.#options.store.listSent()) this.#finish(facts, unknown(facts.method));
    for (const id of this.#options.store.waitingPrimaries()) this.wake(id);
    this.#sweepLater();
  }

  /** A primary has connected, or a command for it was accepted. */
  wake(primaryId: string): void {
    this.#sweepLater();
    if (this.#closed || this.#running.has(primaryId)) return;
    const running = this.#drain(primaryId)
      .catch((err: unknown) => this.#options.logger.error({ err, primary: primaryId }, "commands.failed"))
      .finally(() => this.#running.delete(primaryId));
    this.#running.set(primaryId, running);
  }

  /**
   * Takes back a command that was not sent yet.
   * @throws HubError `no_such_command`; `command_sent` when it is too late
   */
  cancel(id: string): void {
    const command = this.#options.store.get(id);
    if (command === undefined) throw new HubError("no_such_command", "there is no stored command of this id");
    if (command.state !== "queued") {
      throw new HubError("command_sent", `the command is ${command.state} already and can't be taken back`);
    }
    this.#finish(command, failure("cancelled", "cancelled"));
  }

  /** Sends no more; resolves when those that run have ended. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#sweep?.cancel();
    await Promise.all(this.#running.values());
  }

  async #drain(primaryId: string): Promise<void> {
    const { store, findPrimary, isConnected } = this.#options;
    for (;;) {
      const primary = findPrimary(primaryId);
      const next = this.#closed ? undefined : store.next(primaryId);
      if (next === undefined) return;
      if (primary === undefined) this.#finish(next, failure("failed", "no_such_primary"));
      else if (!isConnected(primary)) return;
      else if (!(await this.#sendOne(primary, next))) return;
    }
  }

  /** @returns false when it could not be sent now and waits again */
  async #sendOne(primary: PrimaryRecord, queued: QueuedCommand): Promise<boolean> {
    const { store, clock, send } = this.#options;
    const leftMs = queued.expiresAtMs - clock.now();
    if (leftMs <= 0) {
      this.#finish(queued, failure("expired", "timeout"));
      return true;
    }
    store.markSent(queued.id);
    try {
      const answer = await send(primary, queued.command, {
        timeoutMs: Math.min(leftMs, maxAnswerWaitMs),
        caller: queued.callerId,
      });
      this.#finish(queued, { ...settled, state: "done", error: null, answer });
      return true;
    } catch (error) {
      const known = toGatewayError(error, { method: queued.method });
      if (known.code === "not_connected" || known.code === "busy") {
        store.markQueued(queued.id);
        return false;
      }
      this.#finish(queued, outcomeOf(known));
      return true;
    }
  }

  #finish(facts: QueuedFacts, outcome: CommandOutcome): void {
    const { store, recorder, logger } = this.#options;
    const { id, primaryId, method, path } = facts;
    store.finish(id, outcome);
    const status = outcome.answer?.status ?? null;
    const { state, error } = outcome;
    logger.info(
      { commandId: id, primary: primaryId, method, path, state, error, status },
      "command.finished",
    );
    const data = { id, primaryId, method, path, state, status };
    recorder.record("sallyport.command.finished", `/primaries/${primaryId}`, data).catch((err: unknown) => {
      // The store has it; only who follows the events does not hear of it.
      logger.error({ err, commandId: id }, "command.not_announced");
    });
  }

  /** Only while something is kept: a hub without stored commands has no timer for them. */
  #sweepLater(): void {
    const { clock, sweepMs, store, logger } = this.#options;
    if (this.#closed || this.#sweep !== undefined || store.isEmpty) return;
    this.#sweep = clock.after(sweepMs, () => {
      this.#sweep = undefined;
      try {
        for (const facts of store.listExpired()) this.#finish(facts, failure("expired", "timeout"));
        store.prune();
        // A primary that was busy is asked again.
        for (const id of store.waitingPrimaries()) this.wake(id);
      } catch (err) {
        logger.error({ err }, "commands.sweep_failed");
      }
      this.#sweepLater();
    });
  }
}

/** A primary works on a command at most so long, ms, however long it may wait for the primary. */
const maxAnswerWaitMs = 600_000;

const settled = { mayHaveBeenExecuted: true, retrySafe: false } as const;

function failure(state: CommandOutcome["state"], error: string): CommandOutcome {
  return { state, error, mayHaveBeenExecuted: false, retrySafe: true, answer: undefined };
}

function unknown(method: string): CommandOutcome {
  const retrySafe = method === "GET";
  return { state: "unknown", error: "lost", mayHaveBeenExecuted: true, retrySafe, answer: undefined };
}

function outcomeOf(error: HubError): CommandOutcome {
  const mayHaveBeenExecuted = error.mayHaveBeenExecuted ?? false;
  return {
    state: mayHaveBeenExecuted ? "unknown" : "failed",
    error: error.row.relay ?? error.code,
    mayHaveBeenExecuted,
    retrySafe: error.retrySafe,
    answer: undefined,
  };
}
