import type { Checkpoint } from "./checkpoint.ts";
import { chainBegin, type AuditEntry, type ChainEnd } from "./entry.ts";
import { maxFindings, type AuditFinding, type AuditReport } from "./report.ts";

/** An entry that was read, with the hash that it states and the one that it has. */
export interface ReadEntry {
  entry: AuditEntry;
  stated: string;
  hash: string;
}

/** Follows a chain entry by entry, and finds where it is not as it was written. */
export class ChainCheck {
  readonly #isSigned: (word: Checkpoint) => boolean;
  /** Checkpoints from outside the chain, with the hash that the chain has there, once it was passed. */
  readonly #outside: { word: Checkpoint; found: string | undefined }[];
  readonly #findings: AuditFinding[] = [];
  readonly #gaps: { from: number; to: number; at: string }[] = [];
  #before: ChainEnd | undefined;
  #first: { n: number; previous: string; at: string } | undefined;
  #highest = 0;
  #entries = 0;
  #checkpoints = 0;
  #vouchedFor = 0;
  /** Files that were removed within the rules: up to here. */
  #removed: ChainEnd = chainBegin;

  constructor(isSigned: (word: Checkpoint) => boolean, outside: readonly Checkpoint[]) {
    this.#isSigned = isSigned;
    this.#outside = outside.map((word) => ({ word, found: undefined }));
  }

  /** A line that no entry is. */
  unreadable(at: string): void {
    const n = this.#highest + 1;
    this.#find(n, at, `entry ${n} was changed: it can't be read`);
    // Its place is taken: what follows is compared with its own hash only.
    this.#highest = n;
    this.#entries += 1;
    this.#before = undefined;
  }

  entry({ entry, stated, hash }: ReadEntry, at: string): void {
    const { n, previous } = entry;
    this.#entries += 1;
    if (hash !== stated) this.#find(n, at, `entry ${n} was changed: its hash is not the one that it states`);
    if (this.#first === undefined) this.#begin(n, previous, at);
    else if (n <= this.#highest) {
      this.#misplaced(n, at);
      return;
    } else if (n > this.#highest + 1) this.#gaps.push({ from: this.#highest + 1, to: n - 1, at });
    else if (this.#before !== undefined && this.#before.hash !== previous) {
      this.#find(n - 1, at, `entry ${n - 1} was exchanged: entry ${n} was written after another one`);
    }
    this.#highest = n;
    // What an entry states is what the next one was written after; that it was changed is said already.
    this.#before = { n, hash: stated };
    for (const one of this.#outside) if (one.word.n === n) one.found = hash;
    if (entry.kind === "checkpoint") this.#checkpoint(entry, at);
    if (entry.kind === "files.removed" && entry.upTo !== undefined && entry.upToHash !== undefined) {
      this.#removed = { n: entry.upTo, hash: entry.upToHash };
    }
  }

  /** What was found, once all was read. */
  end(): Omit<AuditReport, "files"> {
    const first = this.#first;
    if (first !== undefined && first.n > 1) {
      const isKnown =
        this.#removed.n >= first.n - 1 &&
        (this.#removed.n > first.n - 1 || this.#removed.hash === first.previous);
      if (!isKnown) this.#find(1, first.at, `entries 1 to ${first.n - 1} are missing`);
    }
    for (const { from, to, at } of this.#gaps) {
      this.#find(from, at, from === to ? `entry ${from} is missing` : `entries ${from} to ${to} are missing`);
    }
    for (const { word, found } of this.#outside) this.#compare(word, found);
    const findings = this.#findings.toSorted((a, b) => a.n - b.n).slice(0, maxFindings);
    return {
      entries: this.#entries,
      first: first?.n ?? 0,
      last: this.#highest,
      checkpoints: this.#checkpoints,
      vouchedFor: this.#vouchedFor,
      findings,
    };
  }

  #begin(n: number, previous: string, at: string): void {
    this.#first = { n, previous, at };
    if (n === 1 && previous !== chainBegin.hash) this.#find(1, at, "entry 1 was changed: it begins no chain");
  }

  #misplaced(n: number, at: string): void {
    const index = this.#gaps.findIndex(({ from, to }) => from <= n && n <= to);
    const gap = this.#gaps[index];
    if (gap === undefined) {
      this.#find(n, at, `entry ${n} stands there twice`);
      return;
    }
    this.#find(n, at, `entry ${n} was moved: it stands after entry ${this.#highest}`);
    const rest = [
      { ...gap, to: n - 1 },
      { ...gap, from: n + 1 },
    ];
    this.#gaps.splice(index, 1, ...rest.filter(({ from, to }) => from <= to));
  }

  #checkpoint({ n, previous, upTo, upToHash, signature }: AuditEntry, at: string): void {
    const word = { n: upTo ?? -1, hash: upToHash ?? "", signature: signature ?? "" };
    if (word.n !== n - 1 || !this.#isSigned(word)) {
      this.#find(n, at, `entry ${n} is a checkpoint that the audit's key has not signed`);
    } else if (word.hash !== previous) {
      this.#find(
        n - 1,
        at,
        `what stands up to entry ${n - 1} was rewritten: the checkpoint in entry ${n} vouches for another`,
      );
    } else {
      this.#checkpoints += 1;
      this.#vouchedFor = word.n;
    }
  }

  #compare(word: Checkpoint, found: string | undefined): void {
    const at = "checkpoint";
    if (!this.#isSigned(word))
      this.#find(word.n, at, `the checkpoint of entry ${word.n} was not signed by the audit's key`);
    else if (word.n > this.#highest) {
      this.#find(
        this.#highest + 1,
        at,
        `entries ${this.#highest + 1} to ${word.n} are missing at the end: a checkpoint vouches for them`,
      );
    } else if (found !== undefined && found !== word.hash) {
      this.#find(
        word.n,
        at,
        `what stands up to entry ${word.n} was rewritten: a checkpoint vouches for another`,
      );
    } else this.#vouchedFor = Math.max(this.#vouchedFor, word.n);
  }

  #find(n: number, at: string, what: string): void {
    // One more than is listed shows that there are more.
    if (this.#findings.length < maxFindings * 10) this.#findings.push({ n, at, what });
  }
}
