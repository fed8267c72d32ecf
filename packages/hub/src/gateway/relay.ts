import { Readable } from "node:stream";
import type {
  Clock,
  Command,
  CommandAnswer,
  StreamedAnswer,
  StreamedCommand,
  WaitOptions,
} from "@sallyport/nbwss";
import type { HubLimits } from "../config/limits.ts";
import type { PrimaryConnection } from "../connections/registry.ts";
import { HubError } from "../errors.ts";
import type { PrimaryRecord } from "../views/primaries.ts";
import { FairQueue, type Waiting } from "./fair-queue.ts";

/** What the relay needs. */
export interface RelayOptions {
  limits: Pick<HubLimits, "maxCommandsPerPrimary" | "maxQueuedCommandsPerPrimary" | "maxQueueWaitMs">;
  clock: Clock;
  findConnection: (primary: PrimaryRecord) => PrimaryConnection | undefined;
}

/** One command on its way to a primary. */
export interface RelayedCommand<C = Command> {
  primary: PrimaryRecord;
  command: C;
  /** Deadline for all of it, the wait for a turn included, ms. */
  timeoutMs: number;
  /** In whose name: callers take turns. */
  caller: string;
  /** Given what ends the wait with `cancelled`. */
  begun?: ((cancel: () => void) => void) | undefined;
  /** Called when its turn has come, right before it is sent; what this throws, `send` throws, and nothing is sent. */
  leaving?: (() => void) | undefined;
}

const unsent = { mayHaveBeenExecuted: false } as const;

/** Sends commands to primaries, each in its turn, and waits for the answers (NBWSS, COMMAND). */
export class Relay {
  readonly #options: RelayOptions;
  readonly #queues = new Map<string, FairQueue>();

  constructor(options: RelayOptions) {
    this.#options = options;
  }

  /** Commands that wait for their turn, over all primaries. */
  get queued(): number {
    return [...this.#queues.values()].reduce((sum, { waiting }) => sum + waiting, 0);
  }

  /** Commands that primaries work on. */
  get inFlight(): number {
    return [...this.#queues.values()].reduce((sum, { taken }) => sum + taken, 0);
  }

  /** Whether the primary may be sent a command now. */
  isConnected(primary: PrimaryRecord): boolean {
    return this.#options.findConnection(primary) !== undefined;
  }

  /**
   * Whether the primary speaks `sallyport.v1`, so that bodies may be streamed.
   * @throws HubError `not_connected`
   */
  takesStreams(primary: PrimaryRecord): boolean {
    return this.#connectionOf(primary).extended;
  }

  /**
   * Sends a command and waits for its answer.
   * @throws HubError `not_connected`, `busy`, `cancelled`: nothing was sent; NbwssError as `EndpointConnection.command`
   */
  send(call: RelayedCommand): Promise<CommandAnswer> {
    return this.#inTurn(call, (connection, wait) => connection.command(call.command, wait));
  }

  /**
   * Sends a command and waits for the head of its answer; its turn is over when the body was read or destroyed.
   * @throws HubError as `send`; NbwssError as `EndpointConnection.open`
   */
  open(call: RelayedCommand<StreamedCommand>): Promise<StreamedAnswer> {
    return this.#inTurn(call, (connection, wait) => connection.open(call.command, wait));
  }

  async #inTurn<A extends { body: unknown }>(
    call: RelayedCommand<unknown>,
    send: (connection: PrimaryConnection, wait: WaitOptions) => Promise<A>,
  ): Promise<A> {
    const { id } = call.primary;
    let queue = this.#queues.get(id);
    if (queue === undefined) {
      const { maxCommandsPerPrimary: maxTaken, maxQueuedCommandsPerPrimary: maxWaiting } =
        this.#options.limits;
      queue = new FairQueue({ maxTaken, maxWaiting });
      this.#queues.set(id, queue);
    }
    const spentMs = queue.tryEnter() ? 0 : await this.#waitForTurn(queue, call);
    let isStreamed = false;
    try {
      const connection = this.#connectionOf(call.primary);
      const timeoutMs = call.timeoutMs - spentMs;
      call.leaving?.();
      const answer = await send(connection, { timeoutMs, begun: call.begun });
      const { body } = answer;
      if (body instanceof Readable && !body.closed) {
        isStreamed = true;
        body.once("close", () => this.#leave(id, queue));
      }
      return answer;
    } finally {
      if (!isStreamed) this.#leave(id, queue);
    }
  }

  #leave(id: string, queue: FairQueue): void {
    queue.leave();
    if (queue.taken === 0 && queue.waiting === 0) this.#queues.delete(id);
  }

  #connectionOf(primary: PrimaryRecord): PrimaryConnection {
    const connection = this.#options.findConnection(primary);
    if (connection !== undefined) return connection;
    const message = "the primary is not connected";
    throw new HubError("not_connected", message, { ...unsent, retryAfterS: 5 });
  }

  /** @returns how long it took, ms */
  async #waitForTurn(queue: FairQueue, call: RelayedCommand<unknown>): Promise<number> {
    const { clock, limits } = this.#options;
    // Who is not there answers at once, not after a wait.
    this.#connectionOf(call.primary);
    const place = queue.wait(call.caller);
    if (place === undefined) {
      const message = `${queue.taken} commands run on this primary and ${queue.waiting} wait already; try again later`;
      throw new HubError("busy", message, { ...unsent, retryAfterS: 1 });
    }
    const sinceMs = clock.now();
    const waitMs = Math.min(limits.maxQueueWaitMs, call.timeoutMs);
    await this.#turnOf(place, call, waitMs);
    return Math.min(clock.now() - sinceMs, call.timeoutMs - 1);
  }

  async #turnOf(place: Waiting, call: RelayedCommand<unknown>, waitMs: number): Promise<void> {
    const givenUp = Promise.withResolvers<never>();
    const giveUp = (error: HubError) => {
      if (place.leave()) givenUp.reject(error);
    };
    call.begun?.(() => giveUp(new HubError("cancelled", "the caller has gone; nothing was sent", unsent)));
    const timer = this.#options.clock.after(waitMs, () => {
      const message = `no turn at this primary within ${waitMs} ms; nothing was sent, try again later`;
      giveUp(new HubError("busy", message, { ...unsent, retryAfterS: 1 }));
    });
    try {
      await Promise.race([place.turn, givenUp.promise]);
    } finally {
      timer.cancel();
    }
  }
}
