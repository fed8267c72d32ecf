import { createPublicKey, type KeyObject } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { open, rm, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { writeFileDurably } from "@sallyport/durable";
import type { Clock, Timer } from "@sallyport/nbwss";
import type { Logger } from "pino";
import { AgentError } from "../errors.ts";
import type { AgentLimits } from "../limits.ts";
import type { AuditEvent, AuditTrail } from "./audit-event.ts";
import { auditFilePath, cutUnfinished, lastEntry, listAuditFiles, type AuditFile } from "./audit-files.ts";
import { auditFiles, auditKey, checkpoint, isSigned, signCheckpoint, type Checkpoint } from "./checkpoint.ts";
import { appendEntry, chainBegin, type ChainEnd } from "./entry.ts";
import { NoteLimit } from "./note-limit.ts";

/** What an audit stands on. */
export interface AuditLogOptions {
  /** Where its files lie; made when missing, with mode 0700. */
  dir: string;
  limits: AgentLimits;
  clock: Clock;
  log: Logger;
}

interface Pending {
  event: AuditEvent;
  atMs: number;
  settle: ((error?: AgentError) => void) | undefined;
}

/** How soon what was written gets a signed checkpoint when nothing more comes, ms. */
const checkpointAfterMs = 60_000;

/**
 * The audit: files of JSON lines, each entry chained to the one before by its hash, with signed checkpoints. What comes in one turn is
 * written and fsynced together. When it can't be written, `record` fails until it can again.
 */
export class AuditLog implements AuditTrail {
  readonly #options: AuditLogOptions;
  readonly #notes: NoteLimit;
  #key: KeyObject | undefined;
  #files: AuditFile[] = [];
  #end: ChainEnd = chainBegin;
  #vouched: ChainEnd = chainBegin;
  #vouchedAtMs: number | undefined;
  #handle: FileHandle | undefined;
  #pending: Pending[] = [];
  #writing: Promise<void> | undefined;
  #problem: string | undefined;
  /** What no later try can mend: somebody has to look. */
  #isBroken = false;
  #isCheckpointDue = false;
  #timer: Timer | undefined;

  /** Takes up the chain where it ended; what keeps it from doing so is `problem`. */
  constructor(options: AuditLogOptions) {
    this.#options = options;
    this.#notes = new NoteLimit(options.limits.maxAuditNotesPerMinute);
    try {
      this.#takeUp();
      // So that there is one from the beginning, and a restart vouches for what went before.
      this.#isCheckpointDue = true;
      this.note({ kind: "audit.opened" });
    } catch (error) {
      this.#isBroken = true;
      this.#fail((error as Error).message);
    }
  }

  /** Why nothing can be recorded; undefined while it can. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** How many entries there ever were, and the bytes of the files that are kept. */
  get extent(): { entries: number; bytes: number; files: number } {
    return { entries: this.#end.n, bytes: this.#bytes(), files: this.#files.length };
  }

  /** How long ago the last checkpoint was written, seconds, and how many entries came after it; seconds are undefined before this process has written one. */
  get checkpointed(): { agoSeconds: number | undefined; entriesSince: number } {
    const agoMs =
      this.#vouchedAtMs === undefined ? undefined : this.#options.clock.monotonicMs() - this.#vouchedAtMs;
    // The entry that tells of a checkpoint comes after what it vouches for.
    const entriesSince = Math.max(0, this.#end.n - this.#vouched.n - 1);
    return { agoSeconds: agoMs === undefined ? undefined : Math.floor(agoMs / 1000), entriesSince };
  }

  record(event: AuditEvent): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#enqueue(event, (error) => (error === undefined ? resolve() : reject(error)));
    return promise;
  }

  note(event: AuditEvent): void {
    if (this.#notes.takes(event, this.#options.clock.now())) this.#enqueue(event, undefined);
    else this.#checkpointLater();
  }

  /** Writes what waits, with a checkpoint. */
  async close(): Promise<void> {
    this.#timer?.cancel();
    for (const event of this.#notes.counted()) this.#enqueue(event, undefined);
    this.#isCheckpointDue = !this.#isBroken;
    this.#begin();
    await this.#writing;
    this.#timer?.cancel();
    await this.#handle?.close();
    this.#handle = undefined;
    if (this.#isBroken) return;
    this.#isBroken = true;
    this.#problem = "it was closed";
  }

  #takeUp(): void {
    const { dir } = this.#options;
    this.#key = auditKey(dir);
    this.#files = listAuditFiles(dir);
    const last = this.#files.at(-1);
    if (last !== undefined) last.bytes = cutUnfinished(last.path);
    for (const { path } of this.#files.toReversed()) {
      const found = lastEntry(path);
      if (found === "unreadable")
        throw new Error(`the last entry of ${path} was changed; sallyport audit verify tells more`);
      if (found === undefined) continue;
      this.#end = { n: found.entry.n, hash: found.hash };
      break;
    }
    const file = join(dir, auditFiles.checkpoint);
    if (!existsSync(file)) return;
    const vouched = checkpoint.parse(JSON.parse(readFileSync(file, "utf8")));
    const isGenuine = isSigned(vouched, createPublicKey(this.#key));
    if (
      !isGenuine ||
      vouched.n > this.#end.n ||
      (vouched.n === this.#end.n && vouched.hash !== this.#end.hash)
    ) {
      throw new Error(
        `the audit in ${dir} ends with entry ${this.#end.n}, and its checkpoint ${isGenuine ? `vouches for ${vouched.n}` : "is not signed by its key"}: somebody has changed it. Put the folder away (sallyport audit verify tells more) and start again for a new one`,
      );
    }
    this.#vouched = vouched;
  }

  #enqueue(event: AuditEvent, settle: Pending["settle"]): void {
    if (this.#isBroken || this.#pending.length >= this.#options.limits.maxAuditPending) {
      settle?.(failure(this.#problem ?? "too much waits to be written"));
      return;
    }
    this.#pending.push({ event, settle, atMs: this.#options.clock.now() });
    this.#begin();
  }

  #begin(): void {
    this.#writing ??= this.#drain().finally(() => {
      this.#writing = undefined;
      this.#checkpointLater();
    });
  }

  async #drain(): Promise<void> {
    // Not in this turn, so that what comes together is written together.
    await Promise.resolve();
    while (this.#pending.length > 0 || this.#isCheckpointDue) {
      await this.#write(this.#pending.splice(0, this.#options.limits.maxAuditBatch));
    }
  }

  /** Writes a batch, or nothing of it. Never rejects. */
  async #write(batch: readonly Pending[]): Promise<void> {
    const isDue = this.#isCheckpointDue;
    this.#isCheckpointDue = false;
    try {
      const { limits, clock, log } = this.#options;
      const outdated = await this.#makeRoom();
      let end = this.#end;
      const lines: string[] = [];
      const add = (event: AuditEvent, atMs: number) => {
        const next = appendEntry(end, event, atMs);
        lines.push(`${next.line}\n`);
        end = next.end;
      };
      if (outdated !== undefined) {
        const { n: upTo, hash: upToHash } = outdated.end;
        add({ kind: "files.removed", upTo, upToHash, count: outdated.count }, clock.now());
      }
      for (const { event, atMs } of batch) add(event, atMs);
      let signed: Checkpoint | undefined;
      if (isDue || outdated !== undefined || end.n - this.#vouched.n >= limits.auditCheckpointEntries) {
        signed = this.#sign(end);
        const { n: upTo, hash: upToHash, signature } = signed;
        add({ kind: "checkpoint", upTo, upToHash, signature }, clock.now());
      }
      await this.#append(lines.join(""));
      this.#end = end;
      if (this.#problem !== undefined) log.info({ entries: end.n }, "audit.written_again");
      this.#problem = undefined;
      for (const { settle } of batch) settle?.();
      if (signed !== undefined) await this.#keep(signed);
      await this.#remove(outdated?.count ?? 0);
    } catch (error) {
      this.#fail((error as Error).message);
      for (const { settle } of batch) settle?.(failure((error as Error).message));
    }
  }

  async #append(text: string): Promise<void> {
    const file = this.#files.at(-1);
    if (file === undefined) throw new TypeError("makeRoom goes before");
    this.#handle ??= await open(file.path, "a", 0o600);
    try {
      await this.#handle.appendFile(text);
      await this.#handle.datasync();
      file.bytes += Buffer.byteLength(text);
    } catch (error) {
      // What was written of it nobody was told of; the next try begins at the same place.
      await this.#handle.truncate(file.bytes).catch((second: unknown) => {
        this.#isBroken = true;
        this.#options.log.error({ err: second, file: file.path }, "audit.broken");
      });
      throw error;
    }
  }

  /**
   * Sees to a file with room in it, within the bound of all; the chain goes on over the files.
   * @returns how many of the oldest files are to be removed, and the last entry in them
   */
  async #makeRoom(): Promise<{ count: number; end: ChainEnd } | undefined> {
    const { dir, limits } = this.#options;
    const current = this.#files.at(-1);
    if (current !== undefined && current.bytes < limits.maxAuditFileBytes) return undefined;
    const outdated = this.#outdated();
    const kept = this.#files.slice(outdated?.count ?? 0).reduce((sum, { bytes }) => sum + bytes, 0);
    if (kept + limits.maxAuditFileBytes > limits.maxAuditBytes) {
      throw new Error(
        `the audit in ${dir} has its ${limits.maxAuditBytes} bytes, and its oldest file is younger than ${limits.auditKeepDays} days: export it and put its oldest files away`,
      );
    }
    await this.#handle?.close();
    this.#handle = undefined;
    const number = (current?.number ?? 0) + 1;
    this.#files.push({ number, path: auditFilePath(dir, number), bytes: 0 });
    return outdated;
  }

  /** The oldest files beyond the bound, if all that is in them is old enough. */
  #outdated(): { count: number; end: ChainEnd } | undefined {
    const { limits, clock } = this.#options;
    let bytes = this.#bytes() + limits.maxAuditFileBytes;
    let found: { count: number; end: ChainEnd } | undefined;
    for (const [index, file] of this.#files.entries()) {
      if (bytes <= limits.maxAuditBytes) break;
      const last = lastEntry(file.path);
      if (last === undefined || last === "unreadable") break;
      if (clock.now() - Date.parse(last.entry.at) < limits.auditKeepDays * 86_400_000) break;
      found = { count: index + 1, end: { n: last.entry.n, hash: last.hash } };
      bytes -= file.bytes;
    }
    return found;
  }

  /** After the entry that says so, so that a kill between the two leaves too much and not too little. */
  async #remove(count: number): Promise<void> {
    for (const { path } of this.#files.splice(0, count)) {
      await rm(path);
      this.#options.log.warn({ file: path }, "audit.removed");
    }
  }

  #sign(end: ChainEnd): Checkpoint {
    if (this.#key === undefined) throw new TypeError("the audit has no key");
    return signCheckpoint(end, this.#key);
  }

  async #keep(signed: Checkpoint): Promise<void> {
    const text = `${JSON.stringify(signed, null, 2)}\n`;
    await writeFileDurably(join(this.#options.dir, auditFiles.checkpoint), text, 0o600);
    this.#vouched = signed;
    this.#vouchedAtMs = this.#options.clock.monotonicMs();
  }

  #checkpointLater(): void {
    if (this.#timer !== undefined || this.#isBroken) return;
    if (this.#end.n <= this.#vouched.n + 1 && !this.#notes.hasCounted) return;
    this.#timer = this.#options.clock.after(checkpointAfterMs, () => {
      this.#timer = undefined;
      for (const event of this.#notes.counted()) this.#enqueue(event, undefined);
      this.#isCheckpointDue = true;
      this.#begin();
    });
  }

  #bytes(): number {
    return this.#files.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  #fail(reason: string): void {
    if (this.#problem !== reason) this.#options.log.error({ reason }, "audit.failed");
    this.#problem = reason;
  }
}

function failure(reason: string): AgentError {
  return new AgentError(
    "audit_failed",
    `the audit can't be written, so nothing is done but reading: ${reason}`,
  );
}
