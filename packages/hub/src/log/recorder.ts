import type { KnownData, KnownType } from "./known-events.ts";
import type { Appended, EventLog, LogEvent } from "./log.ts";
import type { StandingChange } from "./standings.ts";

/** What the recorder needs. */
export interface RecorderOptions {
  log: Pick<EventLog, "append">;
  /** Epoch ms. */
  now: () => number;
  newId: () => string;
}

/** Appends events of the hub's own, with their data checked by the compiler. */
export class Recorder {
  readonly #options: RecorderOptions;

  constructor(options: RecorderOptions) {
    this.#options = options;
  }

  /**
   * Appends one event about `subject`, which is also its source when it is a path.
   * @throws HubError `log_busy` or `log_failed`
   */
  async record<T extends KnownType>(type: T, subject: string, data: KnownData<T>): Promise<Appended> {
    const [appended] = await this.append([this.eventOf(type, subject, data)]);
    if (appended === undefined) throw new TypeError("the log answered no position for one event");
    return appended;
  }

  /** Makes an event of this moment, for `append`. */
  eventOf<T extends KnownType>(type: T, subject: string, data: KnownData<T>): LogEvent {
    const source = subject.startsWith("/") ? subject : "/hub";
    const time = new Date(this.#options.now()).toISOString();
    return { id: this.#options.newId(), type, source, subject, time, data };
  }

  /**
   * Appends events that were made before, all or none.
   * @throws HubError `log_busy` or `log_failed`
   */
  append(events: readonly LogEvent[], change?: StandingChange): Promise<Appended[]> {
    return this.#options.log.append(events, change);
  }
}
