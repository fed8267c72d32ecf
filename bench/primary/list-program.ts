// A primary with a million jobs and images, which times its own lists against bare node:sqlite when the bench asks.
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { createPrimary, type Primary } from "@sallyport/primary";
import pino from "pino";
import { number, runProgram, text, type Facts, type Started } from "../program.ts";
import { listCases, type ListCase } from "./list-cases.ts";

const credentials = { userName: "bench", password: "bench-of-lists" };

/** What one list took, ms, in each round. */
export interface ListTimes {
  name: string;
  /** The request through the API: token, filter, rows, JSON, and the count where the answer has one. */
  ours: number[];
  /** The same rows and count by node:sqlite, statements prepared, and the same answer through JSON.stringify. */
  answer: number[];
  /** The rows alone. */
  query: number[];
}

runProgram({ lists: start });

async function start(config: Facts): Promise<Started> {
  // Time stands still, so that both sides mean the same by "the last day".
  const nowMs = Date.now();
  const options = {
    dataDir: join(text(config, "dir"), "lists"),
    hostName: "bench",
    log: pino({ level: "silent" }),
    clock: { nowMs: () => nowMs },
    firstUser: credentials,
    journal: () => ({ append: () => {} }),
  };
  return {
    facts: {},
    async ask(question) {
      // Makes the tables.
      await (await createPrimary(options)).close();
      fill(join(options.dataDir, "primary.db"), number(config, "rows"), nowMs);
      await using primary = await createPrimary(options);
      const token = await logIn(primary);
      const times: ListTimes[] = [];
      for (const wanted of listCases(nowMs)) {
        times.push(await timeList(primary, token, wanted, number(question, "rounds")));
      }
      return { times: JSON.stringify(times) };
    },
  };
}

/** One job and one image for each second until now, of 1,000 clients and 50 policies. */
function fill(file: string, rows: number, nowMs: number): void {
  using database = new DatabaseSync(file);
  // If this is broken off, nothing is lost.
  database.exec("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-400000;");
  const indexes = database
    .prepare(
      "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND tbl_name IN ('jobs', 'images') AND sql IS NOT NULL",
    )
    .all();
  // Made at the end, since that takes a fifth of the time.
  for (const { name } of indexes) database.exec(`DROP INDEX ${String(name)}`);
  database.exec(`
    CREATE TEMP VIEW made AS WITH RECURSIVE one (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM one WHERE n < ${rows})
      SELECT n, 'client' || (n % 1000) AS client, 'policy' || (n % 50) AS policy, ${nowMs} - (${rows} - n) * 1000 AS ms FROM one;
    INSERT INTO jobs (id, type, state, status, client_name, policy_name, schedule_name, storage_unit, owner, request, queued_at_ms, started_at_ms,
        try_started_at_ms, ended_at_ms, updated_at_ms, backup_id, try, percent_complete, kilobytes, files)
      SELECT n, 'BACKUP', 'DONE', iif(n % 97 = 0, 71, 0), client, policy, 'full', 'stu_local', 'root', '{"selections":["/home"]}', ms, ms,
        ms, ms + 60000, ms + 60000, client || '_' || (ms / 1000), 1, 100, 123456, 789 FROM made;
    INSERT INTO images (backup_id, snapshot_id, client_name, policy_name, schedule_name, job_id, backup_time_s, created_at_s, elapsed_s,
        kilobytes, kilobytes_stored, files, status)
      SELECT client || '_' || (ms / 1000), printf('%064d', n), client, policy, 'full', n, ms / 1000, ms / 1000, 60, 123456, 1234, 789, 0 FROM made;
    DROP VIEW made;`);
  for (const { sql } of indexes) database.exec(String(sql));
}

async function logIn(primary: Primary): Promise<string> {
  const login = await primary.app.request("/netbackup/login", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(credentials),
  });
  return ((await login.json()) as { token: string }).token;
}

async function timeList(
  primary: Primary,
  token: string,
  { name, path, rowsSql, countSql }: ListCase,
  rounds: number,
): Promise<ListTimes> {
  const { connection } = primary.database;
  const list = async () => {
    const answer = await primary.app.request(`/netbackup${encodeURI(path)}`, {
      headers: { authorization: token },
    });
    // Bytes, as they go to a socket.
    const body = await answer.arrayBuffer();
    if (answer.status === 200) return body;
    throw new Error(`${path}: ${answer.status} ${Buffer.from(body).toString()}`);
  };
  const select = connection.prepare(rowsSql);
  const count = countSql === undefined ? undefined : connection.prepare(countSql);
  const told = JSON.parse(Buffer.from(await list()).toString()) as {
    data: { id: string }[];
    meta: { pagination: { count?: number } };
  };
  checkSame(name, told, select.all(), count?.get()?.["n"]);
  // A server that has been up for a while has compiled all of it, and SQLite has the pages.
  for (let warmUp = 0; warmUp < rounds; warmUp += 1) await list();
  const times: ListTimes = { name, ours: [], answer: [], query: [] };
  const timers: [number[], () => unknown][] = [
    [times.ours, list],
    [times.answer, () => [select.all(), count?.get(), Buffer.from(JSON.stringify(told))]],
    [times.query, () => select.all()],
  ];
  for (let round = 0; round < rounds; round += 1) {
    for (const [taken, work] of round % 2 === 0 ? timers : timers.toReversed()) {
      const before = performance.now();
      await work();
      taken.push(performance.now() - before);
    }
  }
  return times;
}

/** What is compared has to be the same list. */
function checkSame(
  name: string,
  told: { data: { id: string }[]; meta: { pagination: { count?: number } } },
  found: Record<string, unknown>[],
  count: unknown,
): void {
  const ids = found.map((row) => String(row["backup_id"] ?? row["id"]));
  const shown = told.data.map(({ id }) => id);
  const jobs = found.map((row) => String(row["id"]));
  if (shown.length !== 100 || (shown.join() !== ids.join() && shown.join() !== jobs.join())) {
    throw new Error(`${name}: the API and SQLite list different rows`);
  }
  const { count: shownCount } = told.meta.pagination;
  if (shownCount !== count) {
    throw new Error(`${name}: the API counts ${shownCount}, SQLite ${String(count)}`);
  }
}
