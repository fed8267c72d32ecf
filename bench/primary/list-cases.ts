/** A list that the API is asked for, and what SQLite has to read for it. */
export interface ListCase {
  name: string;
  /** Below `/netbackup`. */
  path: string;
  /** The same rows in the same order. */
  rowsSql: string;
  /** How many there are, where the answer tells it. */
  countSql: string | undefined;
}

const start = "coalesce(started_at_ms, queued_at_ms)";
const newest = "ORDER BY id DESC LIMIT 100";
const latest = `ORDER BY ${start} DESC, id DESC LIMIT 100`;

/**
 * Lists of 100 as clients ask for them. Since version 9.0 jobs have pages by cursor, without a count; before it, and for images, the answer
 * tells how many match.
 */
export function listCases(nowMs: number): ListCase[] {
  const [fromMs, toMs] = [nowMs - 7_200_000, nowMs - 3_600_000];
  const iso = (epochMs: number) => new Date(epochMs).toISOString();
  const hour = `startTime ge ${iso(fromMs)} and startTime le ${iso(toMs)}`;
  const all = "backupTime ge 2000-01-01T00:00:00Z";
  return [
    job("jobs, newest", "", "1", newest),
    job("jobs by policy", "&filter=policyName eq 'policy7'", "policy_name = 'policy7'", newest),
    job("jobs by client", "&filter=clientName eq 'client7'", "client_name = 'client7'", newest),
    job(
      "jobs by client, latest start",
      "&sort=-startTime&filter=clientName eq 'client7'",
      "client_name = 'client7'",
      latest,
    ),
    job(
      "jobs by policy, latest start",
      "&sort=-startTime&filter=policyName eq 'policy7'",
      "policy_name = 'policy7'",
      latest,
    ),
    job(
      "jobs by status and state",
      "&filter=status eq 71 and state eq DONE",
      "status = 71 AND state = 'DONE'",
      newest,
    ),
    job("jobs failed", "&filter=status ne 0", "status <> 0", newest),
    job(
      "jobs of an hour",
      `&sort=-startTime&filter=${hour}`,
      `${start} BETWEEN ${fromMs} AND ${toMs}`,
      latest,
    ),
    image("images by client", `&filter=clientName eq 'client7' and ${all}`, "client_name = 'client7'"),
    image("images by policy", `&filter=policyName eq 'policy7' and ${all}`, "policy_name = 'policy7'"),
    image(
      "images, last day",
      "",
      // As the API does it by itself.
      `backup_time_s >= ${Math.floor(nowMs / 1000) - 86_400}`,
    ),
  ];
}

function job(name: string, query: string, where: string, order: string): ListCase {
  return {
    name,
    path: `/admin/jobs?page[limit]=100${query}`,
    rowsSql: `SELECT * FROM jobs WHERE ${where} ${order}`,
    countSql: undefined,
  };
}

function image(name: string, query: string, where: string): ListCase {
  const from = `FROM images WHERE expiring = 0 AND ${where}`;
  return {
    name,
    path: `/catalog/images?page[limit]=100${query}`,
    rowsSql: `SELECT * ${from} ORDER BY backup_time_s DESC, backup_id DESC LIMIT 100`,
    countSql: `SELECT count(*) AS n ${from}`,
  };
}
