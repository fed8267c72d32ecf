import type { Database } from "@sallyport/durable";
import type { Clock } from "../clock.ts";
import { limits } from "../limits.ts";

/** What an entry is about, in NetBackup's words. */
export type AuditCategory =
  | "POLICY"
  | "JOB"
  | "STU"
  | "POOL"
  | "STORAGESRV"
  | "CATALOG"
  | "LOGIN"
  | "USER"
  | "HOST"
  | "CONFIG"
  | "GENERAL";

/** What was done. */
export type AuditOperation = "CREATE" | "MODIFY" | "DELETE" | "START" | "CANCEL" | "RESUME" | "ACCESS";

/** One entry, as it is added. */
export interface NewAuditEntry {
  userName: string;
  category: AuditCategory;
  operation: AuditOperation;
  message: string;
  /** What the caller gave for it; may be empty. */
  reason: string;
}

/** What administrators did, newest kept longest. */
export class AuditTrail {
  readonly #database: Database;
  readonly #clock: Clock;

  constructor(database: Database, clock: Clock) {
    this.#database = database;
    this.#clock = clock;
  }

  /** Adds an entry, durably. */
  add(entry: NewAuditEntry): void {
    this.#database.transaction(() => {
      const { lastInsertRowid } = this.#database
        .prepare(
          "INSERT INTO audit (at_ms, user_name, category, operation, message, reason) VALUES (?, ?, ?, ?, ?, ?)",
        )
        .run(
          this.#clock.nowMs(),
          entry.userName,
          entry.category,
          entry.operation,
          entry.message,
          entry.reason,
        );
      this.#database
        .prepare("DELETE FROM audit WHERE id <= ?")
        .run(Number(lastInsertRowid) - limits.maxAuditEntries);
    });
  }
}
