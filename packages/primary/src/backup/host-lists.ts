import type { Database } from "@sallyport/durable";
import { z } from "zod";
import type { SqlCondition } from "../jobs/job-store.ts";

const entriesSchema = z.array(z.string());

/** Lists of a client's configuration by their names, such as what no backup of it takes. */
export class HostLists {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** The entries of a list; undefined when it is not set. */
  get(name: string): string[] | undefined {
    const row = this.#database.prepare("SELECT entries FROM host_lists WHERE name = ?").get(name);
    return row === undefined ? undefined : entriesSchema.parse(JSON.parse(String(row["entries"])));
  }

  set(name: string, entries: readonly string[]): void {
    this.#database
      .prepare("INSERT OR REPLACE INTO host_lists VALUES (?, ?)")
      .run(name, JSON.stringify(entries));
  }

  delete(name: string): void {
    this.#database.prepare("DELETE FROM host_lists WHERE name = ?").run(name);
  }

  /** Whether a condition without a table holds. */
  isTrue(condition: SqlCondition): boolean {
    return this.#database.prepare(`SELECT 1 WHERE ${condition.sql}`).get(...condition.values) !== undefined;
  }
}
