import type { Database } from "@sallyport/durable";
import type { SqlCondition } from "../jobs/job-store.ts";
import type { CatalogueImage } from "./image.ts";

interface ImageRow {
  [column: string]: string | number | null;
}

/** The images that can be restored. An image that is being expired is kept until it is gone, but not shown. */
export class Catalogue {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  insert(image: CatalogueImage): void {
    this.#database
      .prepare("INSERT INTO images VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
      .run(
        image.backupId,
        image.snapshotId,
        image.clientName,
        image.policyName,
        image.scheduleName,
        image.jobId,
        image.backupTimeS,
        image.createdAtS,
        image.elapsedS,
        image.kilobytes,
        image.kilobytesStored,
        image.files,
        image.status,
        image.expiresAtMs,
        image.expiring ? 1 : 0,
      );
  }

  /** Whether there is such an image, shown or being expired. */
  has(backupId: string): boolean {
    return this.#database.prepare("SELECT 1 FROM images WHERE backup_id = ?").get(backupId) !== undefined;
  }

  find(backupId: string): CatalogueImage | undefined {
    const row = this.#database
      .prepare("SELECT * FROM images WHERE backup_id = ? AND NOT expiring")
      .get(backupId) as ImageRow | undefined;
    return row === undefined ? undefined : fromRow(row);
  }

  count(where: SqlCondition): number {
    const row = this.#database
      .prepare(`SELECT count(*) AS n FROM images WHERE NOT expiring AND ${where.sql}`)
      .get(...where.values) as { n: number };
    return row.n;
  }

  /** A page of images, newest first. */
  list(where: SqlCondition, page: { limit: number; offset: number }): CatalogueImage[] {
    const rows = this.#database
      .prepare(
        `SELECT * FROM images WHERE NOT expiring AND ${where.sql} ORDER BY backup_time_s DESC, backup_id LIMIT ? OFFSET ?`,
      )
      .all(...where.values, page.limit, page.offset) as ImageRow[];
    return rows.map(fromRow);
  }

  /** Every image, also those being expired. */
  listAll(): CatalogueImage[] {
    return (this.#database.prepare("SELECT * FROM images").all() as ImageRow[]).map(fromRow);
  }

  /** Images whose deletion is intended and not yet done. */
  listExpiring(): CatalogueImage[] {
    return (this.#database.prepare("SELECT * FROM images WHERE expiring").all() as ImageRow[]).map(fromRow);
  }

  /** Intends the deletion of one image. */
  markExpiring(backupId: string): void {
    this.#database.prepare("UPDATE images SET expiring = 1 WHERE backup_id = ?").run(backupId);
  }

  /** Intends the deletion of every image whose time has come; answers how many. */
  markExpired(nowMs: number): number {
    const { changes } = this.#database
      .prepare("UPDATE images SET expiring = 1 WHERE expires_at_ms <= ? AND NOT expiring")
      .run(nowMs);
    return Number(changes);
  }

  setExpiration(backupId: string, expiresAtMs: number | null): void {
    this.#database
      .prepare("UPDATE images SET expires_at_ms = ? WHERE backup_id = ?")
      .run(expiresAtMs, backupId);
  }

  delete(backupId: string): void {
    this.#database.prepare("DELETE FROM images WHERE backup_id = ?").run(backupId);
  }
}

function fromRow(row: ImageRow): CatalogueImage {
  const text = (column: string) => String(row[column] ?? "");
  const number = (column: string) => Number(row[column] ?? 0);
  return {
    backupId: text("backup_id"),
    snapshotId: text("snapshot_id"),
    clientName: text("client_name"),
    policyName: text("policy_name"),
    scheduleName: text("schedule_name"),
    jobId: number("job_id"),
    backupTimeS: number("backup_time_s"),
    createdAtS: number("created_at_s"),
    elapsedS: number("elapsed_s"),
    kilobytes: number("kilobytes"),
    kilobytesStored: number("kilobytes_stored"),
    files: number("files"),
    status: number("status"),
    expiresAtMs: row["expires_at_ms"] == null ? null : number("expires_at_ms"),
    expiring: number("expiring") === 1,
  };
}
