import type { Database } from "@sallyport/durable";
import type { KnownEvent } from "../log/known-events.ts";
import type { StoredEvent } from "../log/log.ts";
import type { View } from "../views/views.ts";

/** Who is enrolled: what comes from a primary after its deletion is not shown. */
export class EnrolledView implements View {
  readonly schema = "CREATE TABLE primaries (id TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;";
  #database: Database | undefined;

  attach(database: Database): void {
    this.#database = database;
  }

  fold(_: StoredEvent, known: KnownEvent | undefined): void {
    if (known?.type === "sallyport.primary.enrolled") {
      this.#database?.prepare("INSERT OR IGNORE INTO primaries VALUES (?)").run(known.data.id);
    } else if (known?.type === "sallyport.primary.deleted") {
      this.#database?.prepare("DELETE FROM primaries WHERE id = ?").run(known.data.id);
    }
  }
}
