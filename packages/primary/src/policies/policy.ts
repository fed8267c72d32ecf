import { z } from "zod";
import { PrimaryError } from "../errors.ts";
import { limits } from "../limits.ts";
import type { ClientFile } from "../clients/ssh-client.ts";
import type { DatabaseFile } from "../premises/databases.ts";
import { pathProblem } from "../restore/path-rules.ts";
import { policyAttributesSchema } from "./policy-attributes.ts";
import { policyNameSchema } from "./policy-name.ts";
import { policyTypes, type PolicyType } from "./policy-type.ts";
import { scheduleSchema } from "./schedule.ts";
import type { StorageUnits } from "../storage/storage-units.ts";

/** What a policy backs up; what each has to be depends on the policy's type, see `checkPolicy`. */
export const selectionsSchema = z.array(z.string().min(1).max(limits.maxPathBytes)).max(limits.maxSelections);

const hostNameSchema = z
  .string()
  .max(255)
  .regex(/^[A-Za-z0-9][A-Za-z0-9.-]*$/, "must be a host name");

/** A client of a policy. */
export const clientSchema = z.object({
  hostName: hostNameSchema,
  OS: z.string().max(255).nullish(),
  hardware: z.string().max(255).nullish(),
});

/** A policy as clients send it, at `data.attributes.policy`. */
export const policySchema = z.object({
  policyName: policyNameSchema,
  policyType: z.string().min(1).max(64),
  policyAttributes: policyAttributesSchema.nullish().transform((attributes) => attributes ?? {}),
  clients: z
    .array(clientSchema)
    .max(limits.maxSelections)
    .nullish()
    .transform((clients) => clients ?? []),
  schedules: z
    .array(scheduleSchema)
    .max(limits.maxSchedules)
    .nullish()
    .transform((schedules) => schedules ?? []),
  backupSelections: z
    .object({ selections: selectionsSchema.nullish() })
    .nullish()
    .transform((given) => ({ selections: [...new Set(given?.selections ?? [])] })),
  // Of the generic schema. What they ask for is not dropped silently: somebody relies on it.
  excludeSelections: z
    .object({
      selections: z
        .array(z.string())
        .max(0, "belong to the host: PUT /config/hosts/{hostId}/configurations/Exclude")
        .nullish(),
    })
    .nullish()
    .transform(() => undefined),
});

/** What is backed up, from where and when. */
export type Policy = z.infer<typeof policySchema>;

/** A policy with the number of its version, which is its ETag. */
export interface VersionedPolicy {
  policy: Policy;
  /** 1 for a new policy, then one more for each change. */
  generation: number;
}

/** What of this primary a policy may name. */
export interface PolicyScope {
  localClients: readonly string[];
  databases: Pick<DatabaseFile, "find">;
  clients: Pick<ClientFile, "find">;
  units: Pick<StorageUnits, "has" | "names">;
}

/**
 * Checks what the schema can't: that this primary can run the policy.
 * @throws PrimaryError `not_implemented` for a type that it does not have, `invalid_request` for a client, database or
 * storage unit that it does not have
 */
export function checkPolicy(policy: Policy, scope: PolicyScope): void {
  const { localClients, units, clients } = scope;
  const type = policyTypes.find((known) => known === policy.policyType);
  if (type === undefined) {
    throw new PrimaryError(
      "not_implemented",
      `policies of type "${policy.policyType}" are not supported: use ${policyTypes.map((known) => `"${known}"`).join(", ")}`,
    );
  }
  for (const selection of policy.backupSelections.selections) {
    const problem = type === "Standard" ? pathProblem(selection) : databaseProblem(selection, type, scope);
    if (problem === undefined) continue;
    throw new PrimaryError("invalid_request", `the backup selection "${selection}" ${problem}`, {
      attributeErrors: { selections: problem },
    });
  }
  for (const { hostName } of policy.clients) {
    if (isLocal(hostName, localClients)) continue;
    if (clients.find(hostName) === undefined) {
      throw new PrimaryError("invalid_request", `"${hostName}" is not a client of this primary`, {
        attributeErrors: {
          clients: `this machine (${localClients.join(", ")}), or one that \`sallyport primary client add\` has added`,
        },
      });
    }
    if (type !== "Standard") {
      throw new PrimaryError(
        "invalid_request",
        `databases are dumped by this machine, not by "${hostName}"`,
        {
          attributeErrors: { clients: `only this machine: ${localClients.join(", ")}` },
        },
      );
    }
  }
  const names = policy.schedules.map(({ scheduleName }) => scheduleName);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) {
    throw new PrimaryError("invalid_request", `there are two schedules "${twice}"`);
  }
  const checkStorage = (storage: string | null | undefined) => {
    if (storage == null || storage === "" || units.has(storage)) return;
    throw new PrimaryError("invalid_request", `there is no storage unit "${storage}"`, {
      attributeErrors: { storage: `null or one of: ${units.names().join(", ")}` },
    });
  };
  checkStorage(policy.policyAttributes.storage);
  for (const { backupCopies } of policy.schedules) {
    for (const { storage } of backupCopies?.copies ?? []) checkStorage(storage);
  }
}

function databaseProblem(name: string, type: PolicyType, { databases }: PolicyScope): string | undefined {
  const database = databases.find(name);
  if (database === undefined) {
    return "is no database of this primary: add it there with `sallyport primary database add`";
  }
  if (type === "DataStore" || database.type === type) return undefined;
  return `is a database of ${database.type}, not ${type}`;
}

/** Whether a client is this machine. */
export function isLocal(hostName: string, localClients: readonly string[]): boolean {
  return localClients.some((name) => name.toLowerCase() === hostName.toLowerCase());
}
