import { lstatSync, readFileSync, statSync } from "node:fs";
import { chown } from "node:fs/promises";
import { dirname, join } from "node:path";
import { writeFileDurably } from "@sallyport/durable";
import { z } from "zod";
import { PrimaryError } from "../errors.ts";
import { limits } from "../limits.ts";

/** What a list on premises is made of. */
export interface PremisesFileOptions<Schema extends z.ZodType<{ name: string }>> {
  dataDir: string;
  /** Its name in the data folder. */
  fileName: string;
  /** What an entry is called in messages. */
  noun: string;
  entry: Schema;
}

/**
 * A list that only the administrator of this machine writes, by the command line, and that no call of the API can
 * change: a JSON file in the data folder, mode 0600. It is read anew each time, so that a change needs no restart.
 */
export class PremisesFile<Schema extends z.ZodType<{ name: string }>> {
  readonly path: string;
  readonly #noun: string;
  readonly #entries: z.ZodType<z.output<Schema>[]>;

  constructor({ dataDir, fileName, noun, entry }: PremisesFileOptions<Schema>) {
    this.path = join(dataDir, fileName);
    this.#noun = noun;
    this.#entries = z.array(entry).max(limits.maxPremisesEntries);
  }

  /**
   * Every entry; none when there is no file.
   * @throws PrimaryError `premises_unusable` when others could have written it, or it can't be understood
   */
  list(): z.output<Schema>[] {
    const found = lstatSync(this.path, { throwIfNoEntry: false });
    if (found === undefined) return [];
    const problem = ownerProblem(found, 0o077);
    if (!found.isFile()) throw this.#unusable("it is no regular file");
    if (problem !== undefined) throw this.#unusable(problem);
    if (found.size > limits.maxPremisesFileBytes) throw this.#unusable("it is too large");
    const checked = this.#entries.safeParse(parse(this.#read()));
    if (checked.success) return checked.data;
    const [issue] = checked.error.issues;
    throw this.#unusable(`${issue?.path.join(".") || "it"}: ${issue?.message}`);
  }

  find(name: string): z.output<Schema> | undefined {
    return this.list().find((entry) => entry.name.toLowerCase() === name.toLowerCase());
  }

  /** @throws PrimaryError `already_exists`, `premises_unusable` */
  async add(entry: z.output<Schema>): Promise<void> {
    const entries = this.list();
    if (entries.some(({ name }) => name.toLowerCase() === entry.name.toLowerCase())) {
      throw new PrimaryError(
        "already_exists",
        `there is a ${this.#noun} "${entry.name}" already: remove it first`,
      );
    }
    if (entries.length >= limits.maxPremisesEntries) {
      throw new PrimaryError("invalid_request", `there are ${entries.length} already, which is the most`);
    }
    await this.#write([...entries, entry]);
  }

  /** @throws PrimaryError `not_found`, `premises_unusable` */
  async remove(name: string): Promise<void> {
    const entries = this.list();
    const rest = entries.filter((entry) => entry.name.toLowerCase() !== name.toLowerCase());
    if (rest.length === entries.length) {
      throw new PrimaryError("not_found", `there is no ${this.#noun} "${name}" in ${this.path}`);
    }
    await this.#write(rest);
  }

  #read(): string {
    try {
      return readFileSync(this.path, "utf8");
    } catch (error) {
      throw this.#unusable((error as Error).message);
    }
  }

  async #write(entries: z.output<Schema>[]): Promise<void> {
    await writeFileDurably(this.path, `${JSON.stringify(entries, undefined, 2)}\n`, 0o600);
    // Root may write it for the primary's user, who has to read it.
    const { uid, gid } = statSync(dirname(this.path));
    if (process.getuid?.() === 0) await chown(this.path, uid, gid);
  }

  #unusable(why: string): PrimaryError {
    return new PrimaryError("premises_unusable", `${this.path} can't be used: ${why}`);
  }
}

/**
 * Why somebody else than this process or root could have changed (or, by the mask, read) a file; undefined when nobody could.
 * @param mask permission bits that it must not have
 */
export function ownerProblem(found: { uid: number; mode: number }, mask: number): string | undefined {
  const uid = process.getuid?.();
  if (found.uid !== 0 && found.uid !== uid) return "it belongs to another user";
  if ((found.mode & mask) === 0) return undefined;
  return mask === 0o077 ? "others may read or write it: chmod 600" : "others may write it: chmod go-w";
}

/** Why a file with a secret can't be used: it is not there, or somebody else than this process or root could read it. */
export function privateFileProblem(path: string): string | undefined {
  const found = statSync(path, { throwIfNoEntry: false });
  return found === undefined ? "it does not exist" : ownerProblem(found, 0o077);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Told like every other content that is none.
    return undefined;
  }
}
