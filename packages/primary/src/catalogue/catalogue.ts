import type { Database } from "@sallyport/durable";
import type { SqlCondition } from "../jobs/job-store.ts";
import { readPolicyType } from "../policies/policy-type.ts";
import type { CatalogueImage, ImageScheduleType } from "./image.ts";

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
    const columns: Record<string, string | number | null> = {
      backup_id: image.backupId,
      snapshot_id: image.snapshotId,
      client_name: image.clientName,
      policy_name: image.policyName,
      schedule_name: image.scheduleName,
      schedule_type: image.scheduleType,
      policy_type: image.policyType,
      storage_unit: image.storageUnit,
      job_id: image.jobId,
      backup_time_s: image.backupTimeS,
      created_at_s: image.createdAtS,
      elapsed_s: image.elapsedS,
      kilobytes: image.kilobytes,
      kilobytes_stored: image.kilobytesStored,
      files: image.files,
      status: image.status,
      expires_at_ms: image.expiresAtMs,
      worm_until_ms: image.wormUntilMs,
      expiring: image.expiring ? 1 : 0,
    };
    const names = Object.keys(columns);
    this.#database
      .prepare(`INSERT INTO images (${names.join(", ")}) VALUES (${names.map(() => "?").join(", ")})`)
      .run(...Object.values(columns));
  }

  /** Whether there is such an image, shown or being expired. */
  has(backupId: string): boolean {
    return this.#database.prepare("SELECT 1 FROM images WHERE backup_id = ?").get(backupId) !== undefined;
  }

  find(backupId: string): CatalogueImage | undefined {
    const row = this.#database
      .prepare("SELECT * FROM images WHERE backup_id = ? AND expiring = 0")
      .get(backupId) as ImageRow | undefined;
    return row === undefined ? undefined : fromRow(row);
  }

  count(where: SqlCondition): number {
    const row = this.#database
      .prepared(`SELECT count(*) AS n FROM images WHERE expiring = 0 AND ${where.sql}`)
      .get(...where.values) as { n: number };
    return row.n;
  }

  /** A page of images, newest first. */
  list(where: SqlCondition, page: { limit: number; offset: number }): CatalogueImage[] {
    const rows = this.#database
      .prepared(
        `SELECT * FROM images WHERE expiring = 0 AND ${where.sql} ORDER BY backup_time_s DESC, backup_id DESC LIMIT ? OFFSET ?`,
      )
      .all(...where.values, page.limit, page.offset) as ImageRow[];
    return rows.map(fromRow);
  }

  /** Of each client and policy the largest full image made since then, epoch seconds. */
  largestFulls(
    sinceS: number,
  ): Pick<CatalogueImage, "clientName" | "policyName" | "policyType" | "backupId" | "kilobytes">[] {
    // Beside max() SQLite answers the other columns of the row that has it.
    const rows = this.#database
      .prepare(
        `SELECT client_name, policy_name, policy_type, backup_id, max(kilobytes) AS kilobytes FROM images
         WHERE expiring = 0 AND backup_time_s >= ? AND schedule_type = 'FULL' GROUP BY client_name, policy_name ORDER BY 1, 2`,
      )
      .all(sinceS);
    return rows.map((row) => ({
      clientName: String(row["client_name"]),
      policyName: String(row["policy_name"]),
      policyType: readPolicyType(row["policy_type"]),
      backupId: String(row["backup_id"]),
      kilobytes: Number(row["kilobytes"]),
    }));
  }

  /** Every image, also those being expired. */
  listAll(): CatalogueImage[] {
    return (this.#database.prepare("SELECT * FROM images").all() as ImageRow[]).map(fromRow);
  }

  /** Images whose deletion is intended and not yet done. */
  listExpiring(): CatalogueImage[] {
    return (this.#database.prepare("SELECT * FROM images WHERE expiring = 1").all() as ImageRow[]).map(
      fromRow,
    );
  }

  /** Intends the deletion of one image, unless it is immutable at that moment; answers whether. */
  markExpiring(backupId: string, nowMs: number): boolean {
    const { changes } = this.#database
      .prepare("UPDATE images SET expiring = 1 WHERE backup_id = ? AND coalesce(worm_until_ms, 0) <= ?")
      .run(backupId, nowMs);
    return Number(changes) > 0;
  }

  /** Takes the intent to delete an image back: it is immutable until then, epoch ms. */
  keep(backupId: string, wormUntilMs: number): void {
    this.#database
      .prepare("UPDATE images SET expiring = 0, worm_until_ms = ? WHERE backup_id = ?")
      .run(wormUntilMs, backupId);
  }

  /** Intends the deletion of every image whose time has come; answers how many. */
  markExpired(nowMs: number): number {
    const { changes } = this.#database
      .prepare(
        "UPDATE images SET expiring = 1 WHERE expires_at_ms <= ? AND expiring = 0 AND coalesce(worm_until_ms, 0) <= ?",
      )
      .run(nowMs, nowMs);
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
    scheduleType: text("schedule_type") as ImageScheduleType,
    policyType: readPolicyType(row["policy_type"]),
    storageUnit: text("storage_unit"),
    jobId: number("job_id"),
    backupTimeS: number("backup_time_s"),
    createdAtS: number("created_at_s"),
    elapsedS: number("elapsed_s"),
    kilobytes: number("kilobytes"),
    kilobytesStored: number("kilobytes_stored"),
    files: number("files"),
    status: number("status"),
    expiresAtMs: row["expires_at_ms"] == null ? null : number("expires_at_ms"),
    wormUntilMs: row["worm_until_ms"] == null ? null : number("worm_until_ms"),
    expiring: number("expiring") === 1,
  };
}
