import { readFileSync } from "node:fs";
import type { Logger } from "pino";
import { parseProperties, type NbwssProperties } from "./properties.ts";

/** How soon a change of the file is noticed, ms. */
const lookEveryMs = 2_000;

/** An `nbwss.properties` file that is read again when it changes; what is wrong in it is logged by line. */
export class PropertiesFile implements Disposable {
  readonly #file: string;
  readonly #log: Logger;
  /** Undefined while it can't be read. */
  #text: string | undefined;
  #current: NbwssProperties;
  #timer: NodeJS.Timeout | undefined;

  /** @throws Error when the file can't be read */
  constructor(file: string, log: Logger) {
    this.#file = file;
    this.#log = log;
    this.#text = readFileSync(file, "utf8");
    this.#current = this.#parse(this.#text);
  }

  /** As it was when it could be read last. */
  get current(): NbwssProperties {
    return this.#current;
  }

  /**
   * Calls `changed` with the new properties whenever one of them has changed. The few lines are read and compared each time: unlike time
   * stamps and notices of the kernel that misses no change, on any file system, by any editor.
   */
  watch(changed: (properties: NbwssProperties) => void, everyMs: number = lookEveryMs): void {
    clearInterval(this.#timer);
    this.#timer = setInterval(() => this.reload(changed), everyMs).unref();
  }

  /** Reads the file now. One that can't be read leaves what was read before. */
  reload(changed: (properties: NbwssProperties) => void): void {
    const text = this.#read();
    if (text === undefined || text === this.#text) return;
    this.#text = text;
    const before = this.#current;
    this.#current = this.#parse(text);
    const keys = Object.keys(before) as (keyof NbwssProperties)[];
    const different = keys.filter((key) => this.#current[key] !== before[key]);
    this.#log.info({ file: this.#file, changed: different }, "properties.reloaded");
    if (different.length > 0) changed(this.#current);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #read(): string | undefined {
    try {
      return readFileSync(this.#file, "utf8");
    } catch (error) {
      // Told once, not at every look.
      if (this.#text !== undefined) {
        this.#log.error({ file: this.#file, reason: (error as Error).message }, "properties.unreadable");
      }
      this.#text = undefined;
      return undefined;
    }
  }

  #parse(text: string): NbwssProperties {
    const { properties, problems } = parseProperties(text);
    for (const problem of problems) this.#log.warn({ file: this.#file, problem }, "properties.ignored");
    return properties;
  }
}
