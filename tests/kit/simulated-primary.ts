import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import {
  dialEndpoint,
  failureAnswer,
  type NotificationEntry,
  type ServiceConnection,
} from "@sallyport/nbwss";
import { jobEntry } from "./job-entry.ts";

/** What a simulated primary dials. */
export interface SimulatedPrimaryOptions {
  name: string;
  url: string;
  token: string;
  caPem: string;
  /** Whether it numbers its notifications (Sallyport's extension, RESUME), a job's number being its position; not unless said. */
  numbered?: boolean;
}

interface Unacknowledged {
  id: string;
  jobId: number;
  entries: NotificationEntry[];
}

/**
 * A primary without backups: it makes one notification after another, sends each until it is acknowledged, and dials again as
 * soon as its connection is lost. It remembers what was acknowledged, to be compared with what the hub has.
 */
export class SimulatedPrimary {
  readonly name: string;
  /** The job ids whose notification the hub has acknowledged, in that order. */
  readonly acknowledged: number[] = [];
  /** The job ids whose notification was sent at least once. */
  sent = 0;
  readonly #options: SimulatedPrimaryOptions;
  readonly #stop = new AbortController();
  readonly #journal = randomUUID();
  readonly #windowSize = 8;
  #window: Unacknowledged[] = [];
  #nextJobId = 1;
  #makesMore = true;

  constructor(options: SimulatedPrimaryOptions) {
    this.#options = options;
    this.name = options.name;
  }

  /** Runs until `finish` or `stop`; never rejects for what the network or the hub does. */
  async run(): Promise<void> {
    while (!this.#isDone()) {
      try {
        await this.#session(await this.#dial());
      } catch {
        // The hub is down, or went away in between: that is the test. It is dialled again after a moment.
        await pause(20);
      }
    }
  }

  /** Makes no more notifications; `run` resolves when all there are were acknowledged. */
  finish(): void {
    this.#makesMore = false;
  }

  /** Gives up at once. */
  stop(): void {
    this.#stop.abort();
  }

  #isDone(): boolean {
    return this.#stop.signal.aborted || (!this.#makesMore && this.#window.length === 0);
  }

  #dial(): Promise<ServiceConnection> {
    const { url, token, caPem } = this.#options;
    return dialEndpoint({
      url,
      token,
      tls: { ca: caPem },
      signal: this.#stop.signal,
      execute: () => Promise.resolve(failureAnswer(501, 501, "this primary only sends notifications")),
    });
  }

  async #session(connection: ServiceConnection): Promise<void> {
    try {
      if (this.#options.numbered === true) await this.#resume(connection);
      // What was sent on the last connection and not acknowledged goes first, under the same ids.
      const resent = this.#window.toSorted((a, b) => a.jobId - b.jobId);
      this.#window = [];
      await Promise.all([
        ...resent.map((notification) => this.#send(connection, notification)),
        ...Array.from({ length: this.#windowSize - resent.length }, () => this.#sendNew(connection)),
      ]);
    } finally {
      await connection.close();
    }
  }

  /** Goes on where the hub says that it stands: what it has stored counts as acknowledged. */
  async #resume(connection: ServiceConnection): Promise<void> {
    const hello = await connection.hello(60_000);
    if (hello?.resume === undefined)
      throw new Error("the hub did not say how far it has stored notifications");
    const isKnown = hello.resume?.journal.toUpperCase() === this.#journal.toUpperCase();
    const position = isKnown ? (hello.resume?.position ?? 0) : 0;
    if (!isKnown && this.acknowledged.length > 0) throw new Error("the hub has forgotten the journal");
    connection.resume({ journal: this.#journal, position, outcome: isKnown ? "resumed" : "began" });
    const stored = this.#window.filter(({ jobId }) => jobId <= position);
    this.#window = this.#window.filter(({ jobId }) => jobId > position);
    this.acknowledged.push(...stored.map(({ jobId }) => jobId));
  }

  async #send(connection: ServiceConnection, notification: Unacknowledged): Promise<void> {
    this.#window.push(notification);
    const wait = { timeoutMs: 60_000, signal: this.#stop.signal };
    const position = this.#options.numbered === true ? notification.jobId : undefined;
    await connection.notify(notification.id, notification.entries, wait, position);
    this.#window = this.#window.filter((other) => other !== notification);
    this.acknowledged.push(notification.jobId);
    await this.#sendNew(connection);
  }

  async #sendNew(connection: ServiceConnection): Promise<void> {
    if (!this.#makesMore || this.#stop.signal.aborted) return;
    const jobId = this.#nextJobId;
    this.#nextJobId += 1;
    this.sent += 1;
    await this.#send(connection, { id: randomUUID(), jobId, entries: [jobEntry(jobId, this.name)] });
  }
}
