import type { Database, Migration } from "@sallyport/durable";
import type { KnownImage } from "./image-changes.ts";

const migrations: readonly Migration[] = [
  `CREATE TABLE polled_image (
     backup_id TEXT PRIMARY KEY,
     client_name TEXT NOT NULL,
     client_type TEXT NOT NULL,
     backup_time INTEGER NOT NULL,
     created_time INTEGER NOT NULL,
     expires_at INTEGER,
     copies INTEGER NOT NULL,
     fingerprint TEXT NOT NULL,
     seen_in INTEGER NOT NULL,
     look_at INTEGER
   ) STRICT;
   CREATE INDEX polled_image_time ON polled_image (backup_time, seen_in);
   CREATE INDEX polled_image_look ON polled_image (look_at) WHERE look_at IS NOT NULL`,
];

/** How soon an image that has expired and is still there is looked at again, s: NetBackup cleans its catalogue up twice a day. */
const lookAgainS = 600;

/** What is remembered of the upstream's images, and when each is to be looked at by itself. */
export class ImageSnapshot {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
    database.migrate("polled-images", migrations);
  }

  /** Those of these images that are known. */
  find(backupIds: readonly string[]): Map<string, KnownImage> {
    const one = this.#database.prepare("SELECT * FROM polled_image WHERE backup_id = ?");
    const rows = backupIds.map((backupId) => one.get(backupId)).filter((row) => row !== undefined);
    return new Map(rows.map((row) => [String(row["backup_id"]), imageOf(row)]));
  }

  /** Remembers images as they were seen in a reading; each is to be looked at by itself when it expires. */
  put(images: readonly KnownImage[], reading: number, serverNowS: number): void {
    const insert = this.#database.prepare(
      `INSERT INTO polled_image VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (backup_id) DO UPDATE SET client_name = excluded.client_name, client_type = excluded.client_type,
         backup_time = excluded.backup_time, created_time = excluded.created_time, expires_at = excluded.expires_at,
         copies = excluded.copies, fingerprint = excluded.fingerprint, seen_in = max(seen_in, excluded.seen_in),
         look_at = excluded.look_at`,
    );
    for (const image of images) {
      const { backupId, clientName, clientType, backupTime, createdTime, copies, fingerprint } = image;
      const { expiresAt = null } = image;
      const lookAt = expiresAt === null ? null : expiresAt > serverNowS ? expiresAt : serverNowS + lookAgainS;
      const times = [backupTime, createdTime, expiresAt] as const;
      insert.run(backupId, clientName, clientType, ...times, copies, fingerprint, reading, lookAt);
    }
  }

  /**
   * After a list of the images since some time was read to its end: those that it should have held and did not are to be looked at now.
   * @returns how many
   */
  lookForUnseen(reading: number, sinceS: number): number {
    const changed = this.#database
      .prepare("UPDATE polled_image SET look_at = 0 WHERE backup_time >= ? AND seen_in < ?")
      .run(sinceS, reading);
    return Number(changed.changes);
  }

  /** Images that are to be looked at by now, the ones that have waited longest first. */
  due(serverNowS: number, limit: number): KnownImage[] {
    const rows = this.#database
      .prepare("SELECT * FROM polled_image WHERE look_at <= ? ORDER BY look_at, backup_id LIMIT ?")
      .all(serverNowS, limit);
    return rows.map(imageOf);
  }

  forget(backupId: string): void {
    this.#database.prepare("DELETE FROM polled_image WHERE backup_id = ?").run(backupId);
  }

  /** Forgets all: the upstream is another one. */
  clear(): void {
    this.#database.connection.exec("DELETE FROM polled_image");
  }

  /** How many images are remembered. */
  get size(): number {
    return Number(this.#database.prepare("SELECT count(*) AS n FROM polled_image").get()?.["n"]);
  }
}

function imageOf(row: Record<string, unknown>): KnownImage {
  return {
    backupId: String(row["backup_id"]),
    clientName: String(row["client_name"]),
    clientType: String(row["client_type"]),
    backupTime: Number(row["backup_time"]),
    createdTime: Number(row["created_time"]),
    expiresAt: row["expires_at"] === null ? undefined : Number(row["expires_at"]),
    copies: Number(row["copies"]),
    fingerprint: String(row["fingerprint"]),
  };
}
