import type { Database, Migration } from "@sallyport/durable";
import type { FailBack } from "../connect/choice.ts";
import type { EndpointDetails } from "./details.ts";

/** An endpoint that an administrator has saved. */
export interface SavedEndpoint extends EndpointDetails {
  /** The accepted certificate, PEM. */
  certificate: string;
  state: "ACTIVATED" | "DEACTIVATED";
  /** NetBackup's name for how the last connection ended; null before the first. */
  closeStatus: string | null;
}

/** The endpoints' table. */
export const endpointMigrations: readonly Migration[] = [
  `CREATE TABLE endpoint (
     host_name TEXT PRIMARY KEY,
     group_id TEXT NOT NULL,
     url TEXT NOT NULL,
     token TEXT NOT NULL,
     priority INTEGER NOT NULL,
     certificate TEXT NOT NULL,
     state TEXT NOT NULL,
     close_status TEXT
   ) STRICT`,
  // What is not NetBackup's default; a group that has no row is as NetBackup has it.
  `CREATE TABLE server_group (group_id TEXT PRIMARY KEY, fail_back TEXT NOT NULL) STRICT`,
];

/** The endpoints that were saved, by host name. */
export class EndpointStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
    database.migrate("endpoints", endpointMigrations);
  }

  /** All endpoints, the preferred first. */
  list(): SavedEndpoint[] {
    const rows = this.#database
      .prepare(
        `SELECT host_name AS hostName, group_id AS groupId, url, token, priority, certificate, state,
                close_status AS closeStatus
         FROM endpoint ORDER BY group_id, priority, host_name`,
      )
      .all();
    return rows.map((row) => ({ ...row }) as unknown as SavedEndpoint);
  }

  /** Saves an endpoint; one of the same host name is replaced. */
  save(endpoint: Omit<SavedEndpoint, "closeStatus">): void {
    const { hostName, groupId, url, token, priority, certificate, state } = endpoint;
    this.#database
      .prepare("INSERT OR REPLACE INTO endpoint VALUES (?, ?, ?, ?, ?, ?, ?, NULL)")
      .run(hostName, groupId, url, token, priority, certificate, state);
  }

  /** False when there is no such endpoint. */
  setState(hostName: string, state: SavedEndpoint["state"]): boolean {
    const statement = this.#database.prepare("UPDATE endpoint SET state = ? WHERE host_name = ?");
    return Number(statement.run(state, hostName).changes) > 0;
  }

  setCloseStatus(hostName: string, closeStatus: string): void {
    this.#database
      .prepare("UPDATE endpoint SET close_status = ? WHERE host_name = ?")
      .run(closeStatus, hostName);
  }

  /** The groups' rules of fail-back; `never` where none is set. */
  failBackOf(groupId: string): FailBack {
    const row = this.#database
      .prepare("SELECT fail_back AS rule FROM server_group WHERE group_id = ?")
      .get(groupId);
    return row === undefined ? { mode: "never" } : (JSON.parse(String(row["rule"])) as FailBack);
  }

  setFailBack(groupId: string, failBack: FailBack): void {
    this.#database
      .prepare("INSERT OR REPLACE INTO server_group VALUES (?, ?)")
      .run(groupId, JSON.stringify(failBack));
  }

  /** False when there is no such endpoint. */
  remove(hostName: string): boolean {
    const statement = this.#database.prepare("DELETE FROM endpoint WHERE host_name = ?");
    return Number(statement.run(hostName).changes) > 0;
  }
}
