/** What NetBackup's REST API calls a schedule type, and what its notifications call it; a type that is not listed gets the prefix alone. */
const scheduleTypes: Readonly<Record<string, string>> = {
  FULL: "ST_FULL",
  FULL_BACKUP: "ST_FULL",
  AUTOMATIC_FULL_BACKUP: "ST_FULL",
  DIFFERENTIAL_INCREMENTAL: "ST_INCR",
  DIFFERENTIAL_INCREMENTAL_BACKUP: "ST_INCR",
  AUTOMATIC_DIFFERENTIAL_INCREMENTAL_BACKUP: "ST_INCR",
  CUMULATIVE_INCREMENTAL: "ST_CINC",
  CUMULATIVE_INCREMENTAL_BACKUP: "ST_CINC",
  AUTOMATIC_CUMULATIVE_INCREMENTAL_BACKUP: "ST_CINC",
  USER_BACKUP: "ST_UBAK",
  USER_ARCHIVE: "ST_UARC",
};

/** The catalogue's names of policy types that differ from those of jobs and notifications by more than case and dashes. */
const policyTypes: Readonly<Record<string, string>> = {
  "MS-Windows": "WINDOWS_NT",
  Oracle: "OBACKUP",
  "MS-SQL-Server": "SQL_SERVER",
  "Hyper-V": "HYPERV",
  "MS-Exchange-Server": "EXCHANGE",
  "Lotus-Notes": "LOTUS_NOTES",
};

/** A schedule type as notifications spell it; empty stays empty. */
export function wireScheduleType(restName: string): string {
  if (restName === "" || restName.startsWith("ST_")) return restName;
  return Object.hasOwn(scheduleTypes, restName) ? (scheduleTypes[restName] ?? "") : `ST_${restName}`;
}

/** A policy type of the catalogue, such as `Standard`, as notifications spell it. */
export function wirePolicyType(catalogueName: string): string {
  const known = Object.hasOwn(policyTypes, catalogueName) ? policyTypes[catalogueName] : undefined;
  return known ?? catalogueName.toUpperCase().replaceAll("-", "_");
}
