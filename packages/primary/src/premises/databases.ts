import { z } from "zod";
import { limits } from "../limits.ts";
import { policyNameSchema } from "../policies/policy-name.ts";
import { PremisesFile } from "./premises-file.ts";

// A name with "=", ":" or "/" would be read as connection settings by libpq.
const plainNameSchema = z
  .string()
  .max(63)
  .regex(/^[A-Za-z0-9_][A-Za-z0-9_.$ -]*$/, "must consist of letters, digits and _ . $ - or blanks");
const absolutePathSchema = z
  .string()
  .max(limits.maxPathBytes - 1)
  .regex(/^\/[^\0\n]*$/, "must be an absolute path");

/** A database that policies of type PostgreSQL, MySQL or DataStore back up by name. */
export const databaseSchema = z.object({
  name: policyNameSchema,
  type: z.enum(["PostgreSQL", "MySQL"]),
  /** A host name or address, or (PostgreSQL) the folder of the socket; without it the local socket. */
  host: z
    .string()
    .max(255)
    .regex(/^(\/[^\0\n]*|[A-Za-z0-9][A-Za-z0-9.:-]*)$/, "must be a host, an address or a socket's folder")
    .optional(),
  port: z.int().min(1).max(65_535).optional(),
  user: plainNameSchema,
  database: plainNameSchema,
  /** A pgpass file, or an option file of MySQL with the password below [client]. */
  credentialFile: absolutePathSchema.optional(),
  /** Another pg_dump or mysqldump than the one in PATH. */
  program: absolutePathSchema.optional(),
});

/** A database of the local administrator. */
export type PremisesDatabase = z.infer<typeof databaseSchema>;

/** The databases that can be backed up, in `databases.json` of the data folder. */
export type DatabaseFile = PremisesFile<typeof databaseSchema>;

/** Opens `databases.json` of a data folder. */
export function databaseFile(dataDir: string): DatabaseFile {
  return new PremisesFile({ dataDir, fileName: "databases.json", noun: "database", entry: databaseSchema });
}
