import type { FeedEvent } from "../client/hub-client.ts";
import type { CloudApplication } from "../client/cloud-application.ts";

/** Reads the feed from a position on, shows each notification as it comes, and remembers all. */
export class FeedPrinter {
  readonly events: FeedEvent[] = [];
  readonly #application: CloudApplication;
  #position: number;

  private constructor(application: CloudApplication, position: number) {
    this.#application = application;
    this.#position = position;
  }

  /** Begins after what the feed holds already. */
  static async fromNow(application: CloudApplication): Promise<FeedPrinter> {
    let position = 0;
    for (;;) {
      const { data, next } = await application.notifications(position);
      position = next;
      if (data.length === 0) return new FeedPrinter(application, position);
    }
  }

  /** Reads what is new and shows it. */
  async poll(show: (line: string) => void): Promise<void> {
    const { data, next } = await this.#application.notifications(this.#position);
    this.#position = next;
    for (const event of data) {
      this.events.push(event);
      show(`  ◂ notification ${event.position}: ${event.type} ${event.subject}`);
    }
  }

  /** The subject of the first notification of this type whose data has this member. */
  subjectOf(type: string, member: string, value: unknown): string | undefined {
    return this.events.find((event) => event.type === type && event.data[member] === value)?.subject;
  }

  /** Whether a notification of this type and subject has come. */
  has(type: string, subject: string): boolean {
    return this.events.some((event) => event.type === type && event.subject === subject);
  }
}
