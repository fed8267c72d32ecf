import type { PremisesDatabase } from "../premises/databases.ts";

/** A program that writes a database to its standard output. */
export interface DumpCommand {
  program: string;
  args: readonly string[];
  environment: Readonly<Record<string, string>>;
  /** What the dump is called in the image. */
  path: string;
}

/** How long a server may take to answer before it counts as away. */
const connectTimeoutSeconds = 30;

/**
 * The dump of a database: one consistent view of it, uncompressed, since restic finds what is the same in it and compresses
 * by itself. A password is only in the credential file, never among the arguments or in the environment.
 */
export function dumpCommand(database: PremisesDatabase): DumpCommand {
  return database.type === "PostgreSQL" ? postgresqlDump(database) : mysqlDump(database);
}

/** Where a database's dump lies in its images. */
export function dumpPathOf({ type, name }: Pick<PremisesDatabase, "type" | "name">): string {
  return type === "PostgreSQL" ? `/postgresql/${name}.dump` : `/mysql/${name}.sql`;
}

const environment = { PATH: "/usr/local/bin:/usr/bin:/bin", LC_ALL: "C", HOME: "/nonexistent" };

function postgresqlDump(database: PremisesDatabase): DumpCommand {
  const { host, port, user, credentialFile } = database;
  return {
    program: database.program ?? "pg_dump",
    args: [
      "--format=custom",
      "--compress=0",
      "--no-password",
      `--username=${user}`,
      ...(host === undefined ? [] : [`--host=${host}`]),
      ...(port === undefined ? [] : [`--port=${port}`]),
      `--dbname=${database.database}`,
    ],
    environment: {
      ...environment,
      PGCONNECT_TIMEOUT: String(connectTimeoutSeconds),
      PGAPPNAME: "sallyport",
      ...(credentialFile === undefined ? {} : { PGPASSFILE: credentialFile }),
    },
    path: dumpPathOf(database),
  };
}

function mysqlDump(database: PremisesDatabase): DumpCommand {
  const { host, port, user, credentialFile } = database;
  const isSocket = host?.startsWith("/") === true;
  return {
    program: database.program ?? "mysqldump",
    args: [
      // It has to come first; without it nobody's own option file is read.
      credentialFile === undefined ? "--no-defaults" : `--defaults-file=${credentialFile}`,
      `--user=${user}`,
      ...(host === undefined ? [] : [isSocket ? `--socket=${host}` : `--host=${host}`]),
      ...(port === undefined ? [] : [`--port=${port}`, "--protocol=tcp"]),
      "--single-transaction",
      "--quick",
      "--routines",
      "--triggers",
      "--events",
      "--hex-blob",
      "--default-character-set=utf8mb4",
      "--",
      database.database,
    ],
    environment,
    path: dumpPathOf(database),
  };
}
