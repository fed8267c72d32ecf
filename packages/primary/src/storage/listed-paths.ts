import { isOdd, pathText } from "./path-text.ts";

const newline = 0x0a;
const replacement = Buffer.from("\uFFFD");

/**
 * Restic's JSON has U+FFFD for each byte of a name that is no UTF-8. Its plain listing of the same entries has the bytes, one
 * path after the other with a newline behind each, which names may have as well: the two together tell the path. The plain one is
 * only made when there is such a name.
 */
export class ListedPaths implements AsyncDisposable {
  readonly #open: () => AsyncIterable<Buffer>;
  #chunks: AsyncIterator<Buffer> | undefined;
  #ahead = Buffer.alloc(0);
  /** Newlines before the next path. */
  #lines = 0;
  #linesRead = 0;
  #isUsable = true;

  /** @param open begins the plain listing */
  constructor(open: () => AsyncIterable<Buffer>) {
    this.#open = open;
  }

  /** The text of the next path, of which the JSON says `shown`. To be asked for each, in their order. */
  async textOf(shown: string): Promise<string> {
    const line = this.#lines;
    this.#lines += shown.split("\n").length;
    if (!isOdd(shown) || !this.#isUsable) return shown;
    const bytes = await this.#match(shown, line);
    // Another version of restic may write names in another way.
    this.#isUsable = bytes !== undefined;
    return bytes === undefined ? shown : pathText(bytes);
  }

  /** Ends the plain listing. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#chunks?.return?.();
  }

  async #match(shown: string, line: number): Promise<Buffer | undefined> {
    while (this.#linesRead < line) {
      const end = this.#ahead.indexOf(newline);
      if (end === -1) this.#ahead = Buffer.alloc(0);
      else {
        this.#ahead = this.#ahead.subarray(end + 1);
        this.#linesRead += 1;
      }
      if (end === -1 && !(await this.#read())) return undefined;
    }
    // No path is longer than its text: the text has three bytes for each that it can't say.
    const most = Buffer.byteLength(shown) + 1;
    while (this.#ahead.length < most && (await this.#read()));
    let at = 0;
    const take = (bytes: Buffer) => {
      const isThere = this.#ahead.subarray(at, at + bytes.length).equals(bytes);
      if (isThere) at += bytes.length;
      return isThere;
    };
    for (const [index, part] of shown.split("\uFFFD").entries()) {
      if (index > 0 && !take(replacement)) at += 1;
      if (!take(Buffer.from(part))) return undefined;
    }
    return this.#ahead[at] === newline ? this.#ahead.subarray(0, at) : undefined;
  }

  async #read(): Promise<boolean> {
    this.#chunks ??= this.#open()[Symbol.asyncIterator]();
    const next = await this.#chunks.next();
    if (next.done === true) return false;
    this.#ahead = Buffer.concat([this.#ahead, next.value]);
    return true;
  }
}
