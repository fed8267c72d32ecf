import { setImmediate as nextTurn } from "node:timers/promises";
import type { Clock, Command, CommandAnswer, Timer } from "@sallyport/nbwss";
import type { Logger } from "pino";
import { HubError } from "../errors.ts";
import { toGatewayError } from "../gateway/command-errors.ts";
import type { RelayedCommand } from "../gateway/relay.ts";
import type { PrimaryRecord } from "../views/primaries.ts";
import type { CommandAnnouncer } from "./command-announcer.ts";
import type {
  CommandOutcome,
  CommandStore,
  EndedCommand,
  QueuedCommand,
  QueuedFacts,
} from "./command-store.ts";

/** What the runner needs. */
export interface CommandRunnerOptions {
  store: CommandStore;
  announcer: Pick<CommandAnnouncer, "announce" | "settled">;
  /** Told of each end, when it is on disk. */
  ended: (id: string, state: CommandOutcome["state"]) => void;
  clock: Clock;
  logger: Logger;
  /** How often expired commands are looked for, ms. */
  sweepMs: number;
  findPrimary: (id: string) => PrimaryRecord | undefined;
  isConnected: (primary: PrimaryRecord) => boolean;
  send: (
    primary: PrimaryRecord,
    command: Command,
    how: Pick<RelayedCommand, "timeoutMs" | "caller" | "begun" | "leaving">,
  ) => Promise<CommandAnswer>;
}

/** A command that is on its way. */
interface Sending {
  id: string;
  /** Whether it has gone out to the primary. */
  hasLeft: boolean;
  /** Somebody wants it back. */
  isWithdrawn: boolean;
  /** Ends its wait for a turn. */
  giveUp: (() => void) | undefined;
}

/**
 * Sends stored commands when their primary is there: one at a time for each primary, in the order of acceptance, each once.
 * That a command is sent is on disk before it leaves; a hub that is killed then ends it as `unknown`, never sends it again.
 */
export class CommandRunner {
  readonly #options: CommandRunnerOptions;
  readonly #running = new Map<string, Promise<void>>();
  /** By primary. */
  readonly #sending = new Map<string, Sending>();
  #starting: Promise<void> | undefined;
  /** Nothing is sent before what a killed hub left is told apart from what this one sends. */
  #isSending = false;
  #sweep: Timer | undefined;
  #closed = false;

  constructor(options: CommandRunnerOptions) {
    this.#options = options;
  }

  /** Ends what a killed hub left open, and begins to send; resolves then. Never rejects. */
  start(): Promise<void> {
    this.#starting ??= this.#start().catch((err: unknown) =>
      this.#options.logger.error({ err }, "commands.failed"),
    );
    return this.#starting;
  }

  /** A primary has connected, or a command for it was accepted. */
  wake(primaryId: string): void {
    this.#sweepLater();
    if (this.#closed || !this.#isSending || this.#running.has(primaryId)) return;
    const running = this.#drain(primaryId)
      .catch((err: unknown) => this.#options.logger.error({ err, primary: primaryId }, "commands.failed"))
      .finally(() => this.#running.delete(primaryId));
    this.#running.set(primaryId, running);
  }

  /**
   * Takes back a command that has not left yet; that is on disk when this returns.
   * @throws HubError `no_such_command`; `command_sent` when it is too late: should it turn out that nothing of it was sent, it
   *   is not sent again either
   */
  cancel(id: string): void {
    const command = this.#options.store.get(id);
    if (command === undefined) throw new HubError("no_such_command", "there is no stored command of this id");
    const { state, primaryId } = command;
    const sending = this.#sending.get(primaryId);
    const isOnItsWay = state === "sent" && sending?.id === id;
    if (isOnItsWay) sending.isWithdrawn = true;
    if (state !== "queued" && !(isOnItsWay && !sending.hasLeft)) {
      throw new HubError("command_sent", `the command is ${state} already and can't be taken back`);
    }
    this.#finish(command, failure("cancelled", "cancelled"));
    if (isOnItsWay) sending.giveUp?.();
  }

  /** Sends no more; resolves when those that run have ended and are written down. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#sweep?.cancel();
    await this.#starting;
    await Promise.all(this.#running.values());
    await this.#options.announcer.settled();
  }

  async #start(): Promise<void> {
    const { store, announcer } = this.#options;
    announcer.announce();
    await this.#endAll(
      () => store.listSent(),
      ({ method }) => unknown(method),
    );
    this.#isSending = true;
    for (const id of store.waitingPrimaries()) this.wake(id);
    this.#sweepLater();
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
    const { store, clock } = this.#options;
    const leftMs = queued.expiresAtMs - clock.now();
    if (leftMs <= 0) {
      this.#finish(queued, failure("expired", "timeout"));
      return true;
    }
    const sending: Sending = { id: queued.id, hasLeft: false, isWithdrawn: false, giveUp: undefined };
    store.markSent(queued.id);
    this.#sending.set(primary.id, sending);
    try {
      const answer = await this.#send(primary, queued, sending, leftMs);
      this.#finish(queued, { ...settled, state: "done", error: null, answer });
      return true;
    } catch (error) {
      const known = toGatewayError(error, { method: queued.method });
      // Taken back before it left, it is finished already.
      if (sending.isWithdrawn && !sending.hasLeft) return true;
      if (known.code === "not_connected" || known.code === "busy") {
        if (sending.isWithdrawn) this.#finish(queued, failure("cancelled", "cancelled"));
        else store.markQueued(queued.id);
        return sending.isWithdrawn;
      }
      this.#finish(queued, outcomeOf(known));
      return true;
    } finally {
      this.#sending.delete(primary.id);
    }
  }

  #send(
    primary: PrimaryRecord,
    queued: QueuedCommand,
    sending: Sending,
    leftMs: number,
  ): Promise<CommandAnswer> {
    return this.#options.send(primary, queued.command, {
      timeoutMs: Math.min(leftMs, maxAnswerWaitMs),
      caller: queued.callerId,
      begun: (giveUp) => (sending.giveUp = giveUp),
      leaving() {
        if (sending.isWithdrawn) {
          throw new HubError("cancelled", "taken back before it left", { mayHaveBeenExecuted: false });
        }
        sending.hasLeft = true;
      },
    });
  }

  #finish(facts: QueuedFacts, outcome: CommandOutcome): void {
    this.#finishAll([{ facts, outcome }]);
  }

  #finishAll(ended: readonly EndedCommand[]): void {
    const { store, announcer, logger } = this.#options;
    store.finish(ended);
    for (const { facts, outcome } of ended) {
      const { id: commandId, primaryId: primary, method, path } = facts;
      const { state, error, answer } = outcome;
      const status = answer?.status ?? null;
      logger.info({ commandId, primary, method, path, state, error, status }, "command.finished");
      this.#options.ended(commandId, state);
    }
    announcer.announce();
  }

  /** Ends all that `list` gives, in portions, so that others get their turn. */
  async #endAll(list: () => QueuedFacts[], outcome: (facts: QueuedFacts) => CommandOutcome): Promise<void> {
    for (let some = list(); some.length > 0; some = list()) {
      this.#finishAll(some.map((facts) => ({ facts, outcome: outcome(facts) })));
      await nextTurn();
    }
  }

  /** Only while something is kept: a hub without stored commands has no timer for them. */
  #sweepLater(): void {
    const { clock, sweepMs, store } = this.#options;
    if (this.#closed || this.#sweep !== undefined || store.isEmpty) return;
    this.#sweep = clock.after(sweepMs, () => {
      this.#sweep = undefined;
      this.#sweepOnce();
      this.#sweepLater();
    });
  }

  #sweepOnce(): void {
    const { store, announcer, logger } = this.#options;
    try {
      // A portion at a time: what is left is found by the next sweep.
      const ended = store.listExpired().map((facts) => ({ facts, outcome: failure("expired", "timeout") }));
      if (ended.length > 0) this.#finishAll(ended);
      store.prune();
      announcer.announce();
      // A primary that was busy is asked again.
      for (const id of store.waitingPrimaries()) this.wake(id);
    } catch (err) {
      logger.error({ err }, "commands.sweep_failed");
    }
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
