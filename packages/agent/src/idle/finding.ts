import type { Database, Migration } from "@sallyport/durable";
import type { IdleBracket } from "./search.ts";

/** What a search has found out about the way to one endpoint. */
export interface IdleFinding extends IdleBracket {
  /** Beyond this it did not look, ms. */
  limitMs: number;
  /** False when time or a bad line ended it early: then `survivedMs` and `cutMs` may lie far apart. */
  isComplete: boolean;
  /** Epoch ms. */
  foundAtMs: number;
}

const migrations: readonly Migration[] = [
  `CREATE TABLE endpoint_idle (
     host_name TEXT PRIMARY KEY,
     url TEXT NOT NULL,
     survived_ms INTEGER NOT NULL,
     cut_ms INTEGER,
     limit_ms INTEGER NOT NULL,
     is_complete INTEGER NOT NULL,
     found_at_ms INTEGER NOT NULL
   ) STRICT`,
];

/** An endpoint, as far as a finding is about it. */
export interface ProbedEndpoint {
  hostName: string;
  url: string;
}

/** The latest finding of each endpoint, kept across restarts. One whose URL was changed has none. */
export class IdleFindings {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
    database.migrate("endpoint-idle", migrations);
  }

  of({ hostName, url }: ProbedEndpoint): IdleFinding | undefined {
    const row = this.#database
      .prepare(
        `SELECT survived_ms AS survivedMs, cut_ms AS cutMs, limit_ms AS limitMs, is_complete AS isComplete,
                found_at_ms AS foundAtMs
         FROM endpoint_idle WHERE host_name = ? AND url = ?`,
      )
      .get(hostName, url);
    if (row === undefined) return undefined;
    return {
      survivedMs: Number(row["survivedMs"]),
      cutMs: row["cutMs"] === null ? undefined : Number(row["cutMs"]),
      limitMs: Number(row["limitMs"]),
      isComplete: row["isComplete"] === 1,
      foundAtMs: Number(row["foundAtMs"]),
    };
  }

  set({ hostName, url }: ProbedEndpoint, finding: IdleFinding): void {
    const { survivedMs, cutMs = null, limitMs, isComplete, foundAtMs } = finding;
    this.#database
      .prepare("INSERT OR REPLACE INTO endpoint_idle VALUES (?, ?, ?, ?, ?, ?, ?)")
      .run(hostName, url, survivedMs, cutMs, limitMs, isComplete ? 1 : 0, foundAtMs);
  }

  /** Forgets those of endpoints that are gone. */
  keepOnly(hostNames: readonly string[]): void {
    this.#database
      .prepare("DELETE FROM endpoint_idle WHERE host_name NOT IN (SELECT value FROM json_each(?))")
      .run(JSON.stringify(hostNames));
  }
}
