/**
 * The types of policies that this primary runs, as NetBackup's policies and images spell them. `DataStore` is the type under
 * which NetBackup's own agents for PostgreSQL and MySQL run; the others say which database it has to be.
 */
export const policyTypes = ["Standard", "DataStore", "PostgreSQL", "MySQL"] as const;

/** A type of policy that this primary runs. */
export type PolicyType = (typeof policyTypes)[number];

/** Reads a type; what is unknown, or of an older version, is Standard. */
export function readPolicyType(text: unknown): PolicyType {
  return policyTypes.find((type) => type === text) ?? "Standard";
}

/** How NetBackup's jobs spell it: they have no types of their own for single kinds of databases. */
export function jobPolicyType(type: PolicyType): "STANDARD" | "DATASTORE" {
  return type === "Standard" ? "STANDARD" : "DATASTORE";
}
