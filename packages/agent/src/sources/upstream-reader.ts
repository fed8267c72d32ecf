import type { Clock, CommandAnswer } from "@sallyport/nbwss";
import type { CommandExecutor } from "../executor.ts";
import { retryAfterMs } from "./retry-after.ts";
import { SourceError } from "./source-error.ts";
import { errorMessageOf } from "../upstream/error-message.ts";

/** What an upstream is read with. */
export interface UpstreamReaderOptions {
  /** Calls the upstream as the agent. */
  executor: CommandExecutor;
  clock: Clock;
  /** From the end of one request to the next, ms. */
  pauseMs: number;
}

/** What the upstream answered. */
export interface UpstreamReading {
  /** JSON. */
  body: unknown;
  /** The server's clock, epoch ms; the agent's own where the server does not tell. */
  serverNowMs: number;
}

/** Versions of NetBackup's API to ask for, newest first: those at which what is read here changed, and what old servers have. */
const versions = ["12.0", "10.0", "9.0", "8.0", "4.0", "3.0", "2.0", "1.0"] as const;

/**
 * Reads the REST API of the upstream so that it hardly notices: one request at a time, whoever asks, with a pause after each. Finds out
 * which version of the API the server has (406 means: an older one), and keeps to it.
 */
export class UpstreamReader {
  readonly #options: UpstreamReaderOptions;
  #turn: Promise<unknown> = Promise.resolve();
  #version = 0;
  #requests = 0;
  #skewMs: number | undefined;

  constructor(options: UpstreamReaderOptions) {
    this.#options = options;
  }

  /** Requests made so far. */
  get requests(): number {
    return this.#requests;
  }

  /** How far the server's clock is ahead of the agent's, ms; undefined until it was told. */
  get skewMs(): number | undefined {
    return this.#skewMs;
  }

  /**
   * Reads one resource.
   * @param path below the origin, with its query
   * @returns undefined when there is no such resource (404)
   * @throws SourceError `upstream_refused`, `upstream_unreachable` or `upstream_unexpected`
   */
  read(path: string, signal: AbortSignal): Promise<UpstreamReading | undefined> {
    const mine = this.#turn.then(() => this.#read(path, signal));
    // The next one waits for this one's end and the pause, not for its success.
    this.#turn = mine
      .catch(() => undefined)
      .then(() => wait(this.#options.clock, this.#options.pauseMs, signal));
    return mine;
  }

  async #read(path: string, signal: AbortSignal): Promise<UpstreamReading | undefined> {
    for (;;) {
      signal.throwIfAborted();
      const answer = await this.#request(path, signal);
      signal.throwIfAborted();
      if (answer.status !== 406) return this.#judge(answer);
      this.#version += 1;
      if (this.#version === versions.length) {
        this.#version = 0;
        throw new SourceError(
          "upstream_unexpected",
          `the upstream knows none of the API versions ${versions.join(", ")}`,
        );
      }
    }
  }

  #request(path: string, signal: AbortSignal): Promise<CommandAnswer> {
    this.#requests += 1;
    const accept = `application/vnd.netbackup+json;version=${versions[this.#version]}`;
    return this.#options.executor.execute({ uri: path, method: "GET", headers: { Accept: accept } }, signal);
  }

  #judge({ status, headers, body }: CommandAnswer): UpstreamReading | undefined {
    const nowMs = this.#options.clock.now();
    const date = Date.parse(headers["date"] ?? "");
    if (Number.isFinite(date)) this.#skewMs = date - nowMs;
    // Anything may answer 404 while a server is being updated; NetBackup's has an error body.
    if (status === 404 && isNetBackupError(body)) return undefined;
    if (status === 200) return { body: jsonOf(body), serverNowMs: Number.isFinite(date) ? date : nowMs };
    const said = errorMessageOf(body);
    const wait = { retryAfterMs: retryAfterMs(headers["retry-after"], Number.isFinite(date) ? date : nowMs) };
    if (status === 401 || status === 403) {
      throw new SourceError(
        "upstream_refused",
        `the agent's user may not read this at the upstream (${status}): ${said}`,
        wait,
      );
    }
    if (status === 429 || status >= 500) {
      throw new SourceError(
        "upstream_unreachable",
        `the upstream can't answer now (${status}): ${said}`,
        wait,
      );
    }
    throw new SourceError("upstream_unexpected", `the upstream answers ${status}: ${said}`, wait);
  }
}

/** Waits, or until `signal` is aborted. */
function wait(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted || ms <= 0) return Promise.resolve();
  return new Promise((resolve) => {
    const end = () => {
      timer.cancel();
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = clock.after(ms, end);
    signal.addEventListener("abort", end);
  });
}

function jsonOf(body: string): unknown {
  try {
    return JSON.parse(body) as unknown;
  } catch (error) {
    throw new SourceError(
      "upstream_unexpected",
      "the upstream's answer is not JSON: is it NetBackup's REST API?",
      { cause: error },
    );
  }
}

function isNetBackupError(body: string): boolean {
  try {
    return typeof (JSON.parse(body) as { errorCode?: unknown } | null)?.errorCode === "number";
  } catch {
    return false;
  }
}
