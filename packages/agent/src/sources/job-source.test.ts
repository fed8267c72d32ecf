// Jobs of a foreign NetBackup over real TLS, read into a real outbox: what is told of them, and what is not.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ForeignJob } from "../../../../tests/kit/foreign-netbackup.ts";
import { startPolledUpstream } from "../testing/polled-upstream.ts";

const at = (text: string) => Date.parse(`2026-11-24T${text}Z`);
const job = (jobId: number, state: string, updated: string, more: Partial<ForeignJob> = {}): ForeignJob => ({
  jobId,
  state,
  startMs: at("09:00:00"),
  updatedMs: at(updated),
  ...more,
});
const done = (jobId: number, updated: string, status = 0): ForeignJob =>
  job(jobId, "DONE", updated, { status, endMs: at(updated) });

test("jobs - what was over when watching began is no news; then each start and each end is told of once", async () => {
  await using upstream = await startPolledUpstream();
  const { foreign, jobs, signal, told } = upstream;
  foreign.jobs = [done(1, "09:30:00"), job(2, "ACTIVE", "09:50:00"), job(3, "QUEUED", "09:59:00")];
  await jobs.poll(signal);
  assert.deepEqual(told(), ["2 ACTIVE", "3 QUEUED"]);
  await jobs.poll(signal);
  assert.deepEqual(told(), []);

  foreign.nowMs = at("10:01:00");
  foreign.jobs[1] = done(2, "10:00:10", 1);
  foreign.jobs[2] = job(3, "ACTIVE", "10:00:20");
  foreign.jobs.push(done(4, "10:00:30"), job(5, "ACTIVE", "10:00:40", { parentJobId: 3 }));
  await jobs.poll(signal);
  assert.deepEqual(told(), ["2 DONE 1", "3 ACTIVE", "4 DONE", "5 ACTIVE"]);
  const [item] = upstream.outbox.read(0, 10).at(-1)?.entry.data ?? [];
  assert.deepEqual(item, {
    jobId: 5,
    parentJobId: 3,
    jobType: "BACKUP",
    state: "ACTIVE",
    status: 0,
    policyName: "nightly",
    policyType: "STANDARD",
    scheduleType: "ST_INCR",
    clientName: "client",
    startTime: at("09:00:00") / 1000,
  });
  await jobs.poll(signal);
  assert.deepEqual(told(), []);
});

for (const apiVersion of [14, 4]) {
  test(`jobs - API ${apiVersion}: pages are read to the end, and what moves meanwhile is neither missed nor doubled`, async () => {
    await using upstream = await startPolledUpstream({ apiVersion });
    const { foreign, jobs, signal, told } = upstream;
    await jobs.poll(signal);
    foreign.jobs = Array.from({ length: 20 }, (_, index) => done(index + 1, "10:00:05"));
    let requests = 0;
    foreign.before = () => {
      requests += 1;
      // The second page was asked for: two of the first go away, so that two of the third move to the second.
      if (requests === 2) foreign.jobs.splice(0, 2);
      // And one begins.
      if (requests === 3) foreign.jobs.push(done(21, "10:00:06"));
    };
    await jobs.poll(signal);
    const seen = told();
    assert.deepEqual(
      seen.map((text) => Number.parseInt(text)).sort((a, b) => a - b),
      Array.from({ length: 21 }, (_, index) => index + 1),
    );
    const pages = foreign.requests.map((address) => decodeURIComponent(address));
    const kind = apiVersion < 9 ? "page[offset]" : "page[after]";
    assert.ok(
      pages.some((address) => address.includes(kind)),
      pages.join("\n"),
    );
  });
}

test("jobs - one that is restarted, retried or over again between two readings is told of anew", async () => {
  await using upstream = await startPolledUpstream();
  const { foreign, jobs, signal, told } = upstream;
  await jobs.poll(signal);
  foreign.jobs = [done(1, "10:00:01", 6), done(2, "10:00:01", 6), job(3, "ACTIVE", "10:00:01")];
  await jobs.poll(signal);
  assert.deepEqual(told(), ["1 DONE 6", "2 DONE 6", "3 ACTIVE"]);
  foreign.nowMs = at("10:02:00");
  foreign.jobs = [
    job(1, "ACTIVE", "10:01:00", { try: 2 }),
    { ...done(2, "10:01:00", 6), try: 2 },
    job(3, "REQUEUED", "10:01:00"),
  ];
  await jobs.poll(signal);
  assert.deepEqual(told(), ["1 ACTIVE", "2 DONE 6", "3 QUEUED"]);
});

test("jobs - a change that becomes visible late is found within the overlap", async () => {
  await using upstream = await startPolledUpstream();
  const { foreign, jobs, signal, told } = upstream;
  await jobs.poll(signal);
  foreign.nowMs = at("10:10:00");
  foreign.jobs = [done(1, "10:09:59")];
  await jobs.poll(signal);
  foreign.jobs.push(done(2, "10:06:00"));
  await jobs.poll(signal);
  assert.deepEqual(told(), ["1 DONE", "2 DONE"]);
});

test("jobs - a clock far from ours, one that is set back, and one job from the future hide nothing", async () => {
  await using upstream = await startPolledUpstream();
  const { foreign, jobs, signal, told } = upstream;
  // Years away from the machine that runs the test.
  foreign.nowMs = Date.parse("2031-01-01T10:00:00Z");
  const later = (seconds: number) => ({ updatedMs: Date.parse("2031-01-01T10:00:00Z") + seconds * 1000 });
  await jobs.poll(signal);
  foreign.jobs = [{ ...done(1, "10:00:00"), ...later(86_400 * 365) }];
  await jobs.poll(signal);
  foreign.nowMs += 60_000;
  foreign.jobs.push({ ...done(2, "10:00:00"), ...later(30) });
  await jobs.poll(signal);
  assert.deepEqual(told(), ["1 DONE", "2 DONE"]);
  // An hour back; what ends then bears times that were read already.
  foreign.nowMs -= 3_600_000;
  foreign.jobs.push({ ...done(3, "10:00:00"), ...later(-3500) });
  await jobs.poll(signal);
  await jobs.poll(signal);
  assert.deepEqual(told(), ["3 DONE"]);
  assert.ok(Math.abs(upstream.reader.skewMs ?? 0) > 86_400_000);
});

test("jobs - after hours without the server everything that happened is told of", async () => {
  await using upstream = await startPolledUpstream();
  const { foreign, jobs, signal, told } = upstream;
  foreign.jobs = [job(1, "ACTIVE", "09:59:00")];
  await jobs.poll(signal);
  assert.deepEqual(told(), ["1 ACTIVE"]);
  foreign.faults = [{ status: 503 }, { status: 500, body: "<html>" }];
  await assert.rejects(jobs.poll(signal), /can't answer now \(503\)/);
  await assert.rejects(jobs.poll(signal), /can't answer now \(500\)/);
  foreign.nowMs = at("16:00:00");
  foreign.jobs = [
    done(1, "11:00:00"),
    ...Array.from({ length: 9 }, (_, index) => done(index + 2, "13:00:00")),
  ];
  await jobs.poll(signal);
  assert.equal(told().length, 10);
});

test("jobs - a reading that breaks off is taken up again, nothing doubled", async () => {
  await using upstream = await startPolledUpstream();
  const { foreign, jobs, signal, told } = upstream;
  await jobs.poll(signal);
  foreign.jobs = Array.from({ length: 10 }, (_, index) => done(index + 1, "10:00:05"));
  let requests = 0;
  foreign.before = () => {
    requests += 1;
    if (requests === 3) foreign.faults.push({ status: 502 });
  };
  await assert.rejects(jobs.poll(signal), /502/);
  assert.equal(told().length, 8);
  await jobs.poll(signal);
  assert.deepEqual(told(), ["9 DONE", "10 DONE"]);
});

test("jobs - one that is quiet for long is looked at by itself, and one that the server forgot is said so", async () => {
  await using upstream = await startPolledUpstream();
  const { foreign, jobs, signal, told } = upstream;
  foreign.jobs = [job(1, "ACTIVE", "02:00:00"), job(2, "ACTIVE", "02:00:00")];
  await jobs.poll(signal);
  told();
  // Over, but with a time that lies before all that is asked for; and gone.
  foreign.jobs = [done(1, "02:00:00")];
  upstream.resync.everyMs = 0;
  await jobs.poll(signal);
  assert.deepEqual(told(), ["1 DONE"]);
  assert.deepEqual(
    upstream.lines.filter(({ msg }) => msg === "poll.job_vanished").map(({ jobId }) => jobId),
    [2],
  );
});

test("jobs - what can't be read is counted and told of in the log, and hides nothing else", async () => {
  await using upstream = await startPolledUpstream();
  const { foreign, jobs, signal, told } = upstream;
  await jobs.poll(signal);
  foreign.jobs = [job(1, "SLEEPING", "10:00:01"), job(2, "ACTIVE", "10:00:01")];
  await jobs.poll(signal);
  assert.deepEqual(told(), ["2 ACTIVE"]);
  assert.equal(jobs.counts.ignored, 1);
  assert.match(JSON.stringify(upstream.lines), /attributes.state: is no state of a job/);
});

test("jobs - another upstream is begun anew", async () => {
  await using upstream = await startPolledUpstream();
  const { foreign, jobs, signal, told } = upstream;
  foreign.jobs = [job(1, "ACTIVE", "09:59:00")];
  await jobs.poll(signal);
  await upstream.makeSources("https://other:1556").jobs.poll(signal);
  assert.deepEqual(told(), ["1 ACTIVE", "1 ACTIVE"]);
});

test("jobs - beyond the bound those that were over first are forgotten", async () => {
  await using upstream = await startPolledUpstream({ limits: { maxJobs: 3 } });
  const { foreign, jobs, signal } = upstream;
  await jobs.poll(signal);
  foreign.jobs = [job(1, "ACTIVE", "10:00:01"), ...[2, 3, 4, 5].map((id) => done(id, `10:00:0${id}`))];
  await jobs.poll(signal);
  assert.equal(jobs.counts.known, 3);
});

const refusals: [
  string,
  { status: number; headers?: Record<string, string>; body?: string },
  RegExp,
  number,
][] = [
  ["429 with seconds", { status: 429, headers: { "retry-after": "7" } }, /can't answer now \(429\)/, 7_000],
  [
    "429 with NetBackup's time",
    { status: 429, headers: { "retry-after": "2026-11-24T10:01:00.000Z" } },
    /429/,
    60_000,
  ],
  ["403", { status: 403, body: '{"errorMessage":"needs VIEW"}' }, /may not read this.*403.*needs VIEW/, 0],
  ["a page that is not JSON", { status: 200, body: "<html>" }, /not JSON/, 0],
  ["JSON that is no list", { status: 200, body: '{"data":{}}' }, /no list/, 0],
  ["404 of something else", { status: 404, body: "<html>" }, /answers 404/, 0],
];
for (const [title, fault, reason, retryAfterMs] of refusals) {
  test(`jobs - ${title} is an error that says so, and how long to wait`, async () => {
    await using upstream = await startPolledUpstream();
    const { foreign, jobs, signal } = upstream;
    foreign.faults = [fault];
    await assert.rejects(jobs.poll(signal), (error: Error & { retryAfterMs: number }) => {
      assert.match(error.message, reason);
      assert.equal(error.retryAfterMs, retryAfterMs);
      return true;
    });
  });
}
