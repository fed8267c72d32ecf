import type { Database } from "@sallyport/durable";
import { PrimaryError } from "../errors.ts";
import type { Policy, VersionedPolicy } from "./policy.ts";

/** The policies' table. */
export class PolicyStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** @throws PrimaryError `already_exists` */
  create(policy: Policy): VersionedPolicy {
    const { changes } = this.#database
      .prepare("INSERT INTO policies VALUES (?, 1, ?) ON CONFLICT DO NOTHING")
      .run(policy.policyName, JSON.stringify(policy));
    if (Number(changes) === 0) {
      throw new PrimaryError("already_exists", `there is a policy "${policy.policyName}" already`);
    }
    return { policy, generation: 1 };
  }

  find(name: string): VersionedPolicy | undefined {
    const row = this.#database.prepare("SELECT * FROM policies WHERE name = ?").get(name);
    return row === undefined ? undefined : fromRow(row);
  }

  /** @throws PrimaryError `not_found` */
  get(name: string): VersionedPolicy {
    const found = this.find(name);
    if (found === undefined) throw new PrimaryError("not_found", `there is no policy "${name}"`);
    return found;
  }

  count(): number {
    return Number(this.#database.prepare("SELECT count(*) AS n FROM policies").get()?.["n"] ?? 0);
  }

  list(page: { limit: number; offset: number }): VersionedPolicy[] {
    return this.#database
      .prepare("SELECT * FROM policies ORDER BY name LIMIT ? OFFSET ?")
      .all(page.limit, page.offset)
      .map(fromRow);
  }

  /** @throws PrimaryError `not_found` */
  delete(name: string): void {
    const { changes } = this.#database.prepare("DELETE FROM policies WHERE name = ?").run(name);
    if (Number(changes) === 0) throw new PrimaryError("not_found", `there is no policy "${name}"`);
  }
}

function fromRow(row: Record<string, unknown>): VersionedPolicy {
  return { policy: JSON.parse(String(row["definition"])) as Policy, generation: Number(row["generation"]) };
}
