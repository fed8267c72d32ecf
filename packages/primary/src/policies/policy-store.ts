import type { Database } from "@sallyport/durable";
import { PrimaryError } from "../errors.ts";
import { limits } from "../limits.ts";
import type { Policy, VersionedPolicy } from "./policy.ts";

/** The policies' table. */
export class PolicyStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** @throws PrimaryError `already_exists` */
  create(policy: Policy): VersionedPolicy {
    if (this.count() >= limits.maxPolicies) {
      throw new PrimaryError(
        "invalid_request",
        `there are ${limits.maxPolicies} policies already: delete one first`,
      );
    }
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
    return row === undefined ? undefined : policyFromRow(row);
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
      .map(policyFromRow);
  }

  /**
   * Replaces a policy, in one transaction with the look at what it was.
   * @throws PrimaryError `not_found`, and what `change` throws
   */
  change(name: string, change: (found: VersionedPolicy) => Policy): VersionedPolicy {
    return this.#database.transaction(() => {
      const found = this.get(name);
      const policy = change(found);
      const generation = found.generation + 1;
      this.#database
        .prepare("UPDATE policies SET generation = ?, definition = ? WHERE name = ?")
        .run(generation, JSON.stringify(policy), name);
      return { policy, generation };
    });
  }

  /** @throws PrimaryError `not_found` */
  delete(name: string): void {
    const { changes } = this.#database.prepare("DELETE FROM policies WHERE name = ?").run(name);
    if (Number(changes) === 0) throw new PrimaryError("not_found", `there is no policy "${name}"`);
  }
}

/** Reads a row of the policies' table. */
export function policyFromRow(row: Record<string, unknown>): VersionedPolicy {
  return { policy: JSON.parse(String(row["definition"])) as Policy, generation: Number(row["generation"]) };
}
