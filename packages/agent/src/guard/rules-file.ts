import { readFileSync, statSync } from "node:fs";
import type { Logger } from "pino";
import { AgentError } from "../errors.ts";
import { builtInRules, readRules } from "./read-rules.ts";
import { rulesBounds, type GuardRules } from "./rules.ts";

/** How soon a change of the file is noticed, ms. */
const lookEveryMs = 2_000;

/** What a change of the rules file came to. */
export interface RulesChange {
  kind: "rules.taken" | "rules.refused";
  file: string;
  /** Why it was refused. */
  reason?: string;
}

/** Where the rules come from. */
export interface RulesFileOptions {
  /** Undefined: the built-in rules. */
  file: string | undefined;
  isReadOnly: boolean;
  log: Logger;
}

/**
 * The rules in force: those of a file, read again when it changes. A new file that is wrong or can't be read changes nothing: the old rules
 * stay in force, the log says so at each look until it is mended, and so does `problem`.
 */
export class RulesFile implements Disposable {
  readonly #options: RulesFileOptions;
  /** As it was looked at last; undefined while it can't be read. */
  #text: string | undefined;
  #current: GuardRules;
  #problem: string | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** @throws AgentError `invalid_rules`, also when the file can't be read */
  constructor(options: RulesFileOptions) {
    this.#options = options;
    const { file, isReadOnly } = options;
    if (file === undefined) {
      this.#current = builtInRules(isReadOnly);
      return;
    }
    this.#text = read(file);
    this.#current = readRules({ name: file, text: this.#text }, isReadOnly);
  }

  get current(): GuardRules {
    return this.#current;
  }

  /** What is wrong with the file as it is now; undefined while it is in force. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Looks at the file every so often. Its text is compared: that misses no change, on any file system, by any editor. */
  watch(changed: (change: RulesChange) => void, everyMs: number = lookEveryMs): void {
    clearInterval(this.#timer);
    if (this.#options.file !== undefined)
      this.#timer = setInterval(() => this.reload(changed), everyMs).unref();
  }

  /** Looks at the file now. */
  reload(changed: (change: RulesChange) => void): void {
    const { file, isReadOnly, log } = this.#options;
    if (file === undefined) return;
    try {
      const text = read(file);
      if (text === this.#text && this.#problem === undefined) return;
      const isNew = text !== this.#text;
      this.#text = text;
      this.#current = readRules({ name: file, text }, isReadOnly);
      this.#problem = undefined;
      log.info({ file, isNew, rules: this.#current.rules.length }, "guard.rules_taken");
      changed({ kind: "rules.taken", file });
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
      const isTold = this.#problem === error.message;
      this.#problem = error.message;
      // At each look, since nothing but this says that the rules which somebody wrote are not in force.
      log.error({ file, reason: error.message }, "guard.rules_refused");
      if (!isTold) changed({ kind: "rules.refused", file, reason: error.message });
    }
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}

function read(file: string): string {
  try {
    // Before it is read, whatever it is: this is done every few seconds.
    const { size } = statSync(file);
    if (size > rulesBounds.maxFileBytes)
      throw new Error(`it has more than ${rulesBounds.maxFileBytes} bytes`);
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new AgentError("invalid_rules", `${file} can't be read: ${(error as Error).message}`, {
      cause: error,
    });
  }
}
