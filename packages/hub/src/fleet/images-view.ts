import type { Database } from "@sallyport/durable";
import type { KnownEvent } from "../log/known-events.ts";
import type { StoredEvent } from "../log/log.ts";
import type { View } from "../views/views.ts";
import {
  addImageItem,
  currentImage,
  decodeImageItems,
  encodeImageItems,
  toImageItem,
  type ImageItem,
} from "./image-history.ts";
import { RowPages } from "./row-pages.ts";
import { notificationsGoneBefore, primaryOf } from "./item-members.ts";

/** A row of the table `images`. */
export interface ImageRow {
  primary_id: string;
  backup_id: string;
  client: string;
  client_type: string;
  backup_ms: number | null;
  created_ms: number | null;
  operation: string;
  deleted: number;
  local_copy: number;
  sort_ms: number;
  updated_ms: number;
  position: number;
  first_position: number;
  items: string;
}

/**
 * The backup images of all primaries, as their notifications tell them: one row for each image, deleted ones included, as long as the
 * log has a notification of it. So the log's retention bounds the table; there is no bound of its own.
 */
export class ImagesView implements View {
  readonly schema = `CREATE TABLE images (
    primary_id TEXT NOT NULL,
    backup_id TEXT NOT NULL,
    client TEXT NOT NULL,
    client_type TEXT NOT NULL,
    backup_ms INTEGER,
    created_ms INTEGER,
    operation TEXT NOT NULL,
    deleted INTEGER NOT NULL,
    local_copy INTEGER NOT NULL,
    sort_ms INTEGER NOT NULL,
    updated_ms INTEGER NOT NULL,
    position INTEGER NOT NULL,
    first_position INTEGER NOT NULL,
    items TEXT NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX images_by_id ON images (primary_id, backup_id);
  CREATE INDEX images_by_time ON images (sort_ms);
  CREATE INDEX images_by_primary ON images (primary_id, sort_ms);
  CREATE INDEX images_by_client ON images (client, sort_ms);
  CREATE INDEX images_by_position ON images (position);
  CREATE INDEX images_by_first_position ON images (first_position);`;
  #statements: ReturnType<typeof prepare> | undefined;
  #pages: RowPages | undefined;

  attach(database: Database): void {
    this.#statements = prepare(database);
    this.#pages = new RowPages(database);
  }

  /** Rows by page; each is what `ImageRow` says. */
  get pages(): RowPages {
    if (this.#pages === undefined) throw new TypeError("the view is not attached to a database");
    return this.#pages;
  }

  fold(event: StoredEvent, known: KnownEvent | undefined): void {
    const goneBefore = notificationsGoneBefore(known);
    if (known?.type === "sallyport.primary.deleted") this.#sql.removePrimary.run(known.data.id);
    else if (goneBefore !== undefined) this.#trim(goneBefore);
    else if (known === undefined) this.#add(event);
  }

  #add(event: StoredEvent): void {
    const read = toImageItem(event);
    const primaryId = primaryOf(event.source);
    if (read === undefined || primaryId === undefined) return;
    const { backupId, item } = read;
    const found = this.#sql.find.get(primaryId, backupId) as ImageRow | undefined;
    // One that was under way when its primary was deleted.
    if (found === undefined && this.#sql.isEnrolled.get(primaryId) === undefined) return;
    const [first = item, ...rest] = addImageItem(found === undefined ? [] : itemsOf(found), item);
    this.#put(toRow(primaryId, backupId, [first, ...rest]));
  }

  #trim(before: number): void {
    for (const found of this.#sql.startedBefore.all(before) as unknown as ImageRow[]) {
      const [first, ...rest] = itemsOf(found).filter(({ position }) => position >= before);
      if (first === undefined) this.#sql.remove.run(found.primary_id, found.backup_id);
      else this.#put(toRow(found.primary_id, found.backup_id, [first, ...rest]));
    }
  }

  #put(row: ImageRow): void {
    this.#sql.put.run(...columns.map((name) => row[name]));
  }

  get #sql() {
    if (this.#statements === undefined) throw new TypeError("the view is not attached to a database");
    return this.#statements;
  }
}

const columns = [
  "primary_id",
  "backup_id",
  "client",
  "client_type",
  "backup_ms",
  "created_ms",
  "operation",
  "deleted",
  "local_copy",
  "sort_ms",
  "updated_ms",
  "position",
  "first_position",
  "items",
] as const;

function prepare(database: Database) {
  const set = columns.slice(2).map((name) => `${name} = excluded.${name}`);
  const one = "primary_id = ? AND backup_id = ?";
  return {
    isEnrolled: database.prepare("SELECT 1 FROM primaries WHERE id = ?"),
    find: database.prepare(`SELECT * FROM images WHERE ${one}`),
    put: database.prepare(
      `INSERT INTO images (${columns.join(", ")}) VALUES (${columns.map(() => "?").join(", ")})
       ON CONFLICT (primary_id, backup_id) DO UPDATE SET ${set.join(", ")}`,
    ),
    remove: database.prepare(`DELETE FROM images WHERE ${one}`),
    removePrimary: database.prepare("DELETE FROM images WHERE primary_id = ?"),
    startedBefore: database.prepare("SELECT * FROM images WHERE first_position < ?"),
  };
}

function itemsOf({ items, client, client_type: clientType, backup_ms: backupMs }: ImageRow): ImageItem[] {
  return decodeImageItems(items, { clientName: client, clientType, backupMs });
}

function toRow(primaryId: string, backupId: string, items: readonly [ImageItem, ...ImageItem[]]): ImageRow {
  const current = currentImage(items);
  const last = items.at(-1) ?? current;
  const { operation, createdMs, detail } = current;
  const deleted = operation === "DELETE";
  return {
    primary_id: primaryId,
    backup_id: backupId,
    client: detail.clientName,
    client_type: detail.clientType,
    backup_ms: detail.backupMs,
    created_ms: createdMs,
    operation,
    deleted: deleted ? 1 : 0,
    local_copy: deleted || operation === "NO_LOCAL_COPY_AVAILABLE" ? 0 : 1,
    sort_ms: detail.backupMs ?? createdMs ?? items[0].timeMs,
    updated_ms: last.timeMs,
    position: last.position,
    first_position: items[0].position,
    items: encodeImageItems(items, detail),
  };
}
