// Lists of a million jobs and images through the primary's API, against the same rows read by bare node:sqlite.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createPrimary } from "@sallyport/primary";
import pino from "pino";

const rows = 1_000_000;
const rounds = 21;
const dir = await mkdtemp(join(tmpdir(), "sallyport-lists-"));
const primary = await createPrimary({
  dataDir: join(dir, "data"),
  hostName: "bench",
  log: pino({ level: "silent" }),
  firstUser: { userName: "bench", password: "bench-of-lists" },
  journal: () => ({ append: () => {} }),
});
try {
  const { connection } = primary.database;
  const nowMs = Date.now();
  connection.exec("BEGIN");
  const job = connection.prepare(
    `INSERT INTO jobs (type, state, status, client_name, policy_name, schedule_name, storage_unit, owner, request, queued_at_ms, started_at_ms, ended_at_ms, updated_at_ms, backup_id, try)
     VALUES ('BACKUP', 'DONE', ?, ?, ?, 'full', 'stu_local', 'root', '{"selections":["/home"]}', ?, ?, ?, ?, ?, 1)`,
  );
  const image = connection.prepare(
    `INSERT INTO images (backup_id, snapshot_id, client_name, policy_name, schedule_name, job_id, backup_time_s, created_at_s, elapsed_s, kilobytes, kilobytes_stored, files, status)
     VALUES (?, ?, ?, ?, 'full', ?, ?, ?, 60, 1000, 10, 100, 0)`,
  );
  for (let at = 0; at < rows; at += 1) {
    const ms = nowMs - (rows - at) * 1000;
    const [client, policy] = [`client${at % 1000}`, `policy${at % 50}`];
    const backupId = `${client}_${Math.floor(ms / 1000)}`;
    job.run(at % 97 === 0 ? 71 : 0, client, policy, ms, ms, ms + 60_000, ms + 60_000, backupId);
    image.run(
      backupId,
      String(at).padStart(64, "0"),
      client,
      policy,
      at + 1,
      Math.floor(ms / 1000),
      Math.floor(ms / 1000),
    );
  }
  connection.exec("COMMIT");
  const login = await primary.app.request("/netbackup/login", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ userName: "bench", password: "bench-of-lists" }),
  });
  const { token } = (await login.json()) as { token: string };
  const median = (times: number[]) => times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0;
  const timed = async (work: () => unknown) => {
    const times: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const before = performance.now();
      await work();
      times.push(performance.now() - before);
    }
    return median(times);
  };
  const all = "backupTime ge 2000-01-01T00:00:00Z";
  const cases: [string, string, string][] = [
    ["jobs, newest", "/admin/jobs?page[limit]=100", "SELECT * FROM jobs ORDER BY id DESC LIMIT 100"],
    [
      "jobs by policy",
      "/admin/jobs?page[limit]=100&filter=policyName eq 'policy7'",
      "SELECT * FROM jobs WHERE policy_name = 'policy7' ORDER BY id DESC LIMIT 100",
    ],
    [
      "jobs by client, latest start",
      "/admin/jobs?page[limit]=100&sort=-startTime&filter=clientName eq 'client7'",
      "SELECT * FROM jobs WHERE client_name = 'client7' ORDER BY coalesce(started_at_ms, queued_at_ms) DESC, id DESC LIMIT 100",
    ],
    [
      "jobs by status and state",
      "/admin/jobs?page[limit]=100&filter=status eq 71 and state eq DONE",
      "SELECT * FROM jobs WHERE status = 71 AND state = 'DONE' ORDER BY id DESC LIMIT 100",
    ],
    [
      "jobs failed",
      "/admin/jobs?page[limit]=100&filter=status ne 0",
      "SELECT * FROM jobs WHERE status <> 0 ORDER BY id DESC LIMIT 100",
    ],
    [
      "jobs active",
      "/admin/jobs?page[limit]=100&filter=state eq ACTIVE",
      "SELECT * FROM jobs WHERE state = 'ACTIVE' ORDER BY id DESC LIMIT 100",
    ],
    [
      "jobs of an hour",
      `/admin/jobs?page[limit]=100&sort=-startTime&filter=startTime ge ${new Date(nowMs - 7_200_000).toISOString()} and startTime le ${new Date(nowMs - 3_600_000).toISOString()}`,
      `SELECT * FROM jobs WHERE coalesce(started_at_ms, queued_at_ms) BETWEEN ${nowMs - 7_200_000} AND ${nowMs - 3_600_000} ORDER BY coalesce(started_at_ms, queued_at_ms) DESC LIMIT 100`,
    ],
    [
      "images by client",
      `/catalog/images?page[limit]=100&filter=clientName eq 'client7' and ${all}`,
      "SELECT * FROM images WHERE expiring = 0 AND client_name = 'client7' AND backup_time_s >= 946684800 ORDER BY backup_time_s DESC, backup_id DESC LIMIT 100",
    ],
    [
      "images by policy",
      `/catalog/images?page[limit]=100&filter=policyName eq 'policy7' and ${all}`,
      "SELECT * FROM images WHERE expiring = 0 AND policy_name = 'policy7' AND backup_time_s >= 946684800 ORDER BY backup_time_s DESC, backup_id DESC LIMIT 100",
    ],
    [
      "images, last day",
      "/catalog/images?page[limit]=100",
      `SELECT * FROM images WHERE expiring = 0 AND backup_time_s >= ${Math.floor(nowMs / 1000) - 86400} ORDER BY backup_time_s DESC, backup_id DESC LIMIT 100`,
    ],
  ];
  for (const [name, path, sql] of cases) {
    const ours = await timed(async () => {
      const answer = await primary.app.request(`/netbackup${encodeURI(path)}`, {
        headers: { authorization: token },
      });
      if (answer.status !== 200) throw new Error(await answer.text());
      await answer.text();
    });
    const bare = await timed(() => connection.prepare(sql).all());
    process.stdout.write(
      `${name.padEnd(30)} ${ours.toFixed(1).padStart(8)} ms, bare ${bare.toFixed(1).padStart(8)} ms, ratio ${(ours / bare).toFixed(1)}\n`,
    );
  }
  process.stdout.write(`memory ${(process.memoryUsage().rss / 1048576).toFixed(0)} MiB RSS\n`);
} finally {
  await primary.close();
  await rm(dir, { recursive: true });
}
