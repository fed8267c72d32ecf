import type { KnownData, KnownType } from "./known-events.ts";
import type { Appended, EventLog, LogEvent } from "./log.ts";

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
    const event: LogEvent = {
      id: this.#options.newId(),
      type,
      source: subject.startsWith("/") ? subject : "/hub",
      subject,
      time: new Date(this.#options.now()).toISOString(),
      data,
    };
    const [appended] = await this.#options.log.append([event]);
    if (appended === undefined) throw new TypeError("the log answered no position for one event");
    return appended;
  }
}
