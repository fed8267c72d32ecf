import { ZodError } from "zod";
import type { Logger } from "pino";

/** Reads the items of pages one by one, so that one that can't be read does not hide the others. */
export class ItemReader<Item> {
  readonly #read: (resource: unknown) => Item;
  readonly #log: Logger;
  #ignored = 0;

  constructor(read: (resource: unknown) => Item, log: Logger) {
    this.#read = read;
    this.#log = log;
  }

  /** Items that could not be read so far. */
  get ignored(): number {
    return this.#ignored;
  }

  /** The items that can be read. The first that can't is logged with what is wrong with it, all are counted. */
  readAll(resources: readonly unknown[]): Item[] {
    return resources.flatMap((resource) => {
      try {
        return [this.#read(resource)];
      } catch (error) {
        if (!(error instanceof ZodError)) throw error;
        if (this.#ignored === 0) {
          const problems = error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
          this.#log.error({ problems: problems.slice(0, 5) }, "poll.item_ignored");
        }
        this.#ignored += 1;
        return [];
      }
    });
  }
}
