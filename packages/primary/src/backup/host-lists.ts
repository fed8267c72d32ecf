import type { Database } from "@sallyport/durable";
import { z } from "zod";
import type { SqlCondition } from "../jobs/job-store.ts";

const entriesSchema = z.array(z.string());

/** What lists belong to: this machine, or a client by its name. */
export type ListOwner = { thisMachine: true } | { client: string };

/** Lists of a host's configuration by their names, such as what no backup of it takes. */
export class HostLists {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** The entries of a list; undefined when it is not set. */
  get(owner: ListOwner, name: string): string[] | undefined {
    const row = this.#database
      .prepare("SELECT entries FROM host_lists WHERE host = ? AND name = ?")
      .get(keyOf(owner), name);
    return row === undefined ? undefined : entriesSchema.parse(JSON.parse(String(row["entries"])));
  }

  set(owner: ListOwner, name: string, entries: readonly string[]): void {
    this.#database
      .prepare("INSERT OR REPLACE INTO host_lists (host, name, entries) VALUES (?, ?, ?)")
      .run(keyOf(owner), name, JSON.stringify(entries));
  }

  delete(owner: ListOwner, name: string): void {
    this.#database.prepare("DELETE FROM host_lists WHERE host = ? AND name = ?").run(keyOf(owner), name);
  }

  /** Whether a condition without a table holds. */
  isTrue(condition: SqlCondition): boolean {
    return this.#database.prepare(`SELECT 1 WHERE ${condition.sql}`).get(...condition.values) !== undefined;
  }
}

/** Policies may call a client in any case. */
function keyOf(owner: ListOwner): string {
  return "client" in owner ? owner.client.toLowerCase() : "";
}
