// What an endpoint can't take must not hold up what comes after it: over real TLS and WebSockets, to a cloud with a small bound for messages.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { openDatabase } from "@sallyport/durable";
import type { EndpointOptions, Gap, Standing } from "@sallyport/nbwss";
import { pino } from "pino";
import { startCloud } from "../../../../tests/kit/cloud.ts";
import { temporaryFolder } from "../../../../tests/kit/folder.ts";
import { until } from "../../../../tests/kit/site.ts";
import { NbwssService } from "../index.ts";
import { SizeSuspects } from "./size-suspects.ts";

const job = (jobId: number, text = "") => ({
  notificationType: "INFO",
  object: "JOB",
  data: [{ jobId, state: "DONE", text }],
});

/** A cloud that stores positions, and what it was told is missing. */
function numbered(gaps: Gap[]): Partial<EndpointOptions<string>> {
  let standing: Standing | undefined;
  const move = (position: number | undefined, id: string) => {
    if (standing !== undefined && position !== undefined) standing = { ...standing, position, id };
  };
  return {
    standing: () => standing,
    resumed(_connection, { journal, position }) {
      if (standing?.journal !== journal) standing = { journal, position, id: null };
    },
    async missed(_connection, { id, payload }) {
      gaps.push(payload);
      move(payload.to, id);
    },
  };
}

for (const extensions of [true, false]) {
  test(`too large - what is larger than the outbox or the endpoint takes is left out, ${extensions ? "announced" : "counted"}, and the rest arrives`, async () => {
    using folder = temporaryFolder();
    using database = openDatabase({ path: join(folder.path, "db"), migrations: [] });
    const gaps: Gap[] = [];
    const limits = { maxMessageBytes: 20_000 };
    const cloud = await startCloud({
      dir: folder.path,
      extensions,
      limits,
      ...(extensions ? numbered(gaps) : {}),
    });
    const lines: { msg: string; position?: number; groupId?: string }[] = [];
    const write = (line: string) => void lines.push(JSON.parse(line) as (typeof lines)[0]);
    await using service = new NbwssService({
      database,
      auditDir: join(folder.path, "audit"),
      log: pino({ level: "info" }, { write }),
      endpointCaPem: cloud.caPem,
      limits: { maxNotificationBytes: 40_000, backoffBaseMs: 1 },
    });
    try {
      service.start({ origin: "https://127.0.0.1:1", ca: [cloud.caPem] });
      const { certificate } = await service.administration.validateHost(cloud.details);
      await service.administration.save({ ...cloud.details, certificate, state: "ACTIVATED" });
      await cloud.until(() => cloud.connections.length === 1);
      service.outbox.append([
        job(1),
        job(2, "x".repeat(50_000)),
        job(3),
        job(4, "x".repeat(30_000)),
        job(5),
        job(4),
      ]);
      service.outbox.flush();
      const idOf = ({ jobId }: { jobId?: unknown }) => Number(jobId);
      const arrived = () => [...new Set(cloud.items().map(idOf))].toSorted((a, b) => a - b);
      await until(() => Promise.resolve(arrived().length === 4 && service.outbox.size === 0));
      assert.deepEqual(arrived(), [1, 3, 4, 5]);
      // The small notification of job 4, which comes after the large one.
      assert.deepEqual(
        cloud.items().filter((item) => idOf(item) === 4),
        job(4).data,
      );
      const positions = gaps.map(({ from, to, count, reason }) => ({ from, to, count, reason }));
      const gapAt = (at: number) => ({ from: at, to: at, count: 1, reason: "too_large" });
      assert.deepEqual(positions, extensions ? [gapAt(2), gapAt(4)] : []);
      const [group] = service.connections.list();
      assert.deepEqual([group?.waiting, group?.lost, group?.tooLarge], [0, 2, 2]);
      const named = lines.filter(({ msg }) => msg === "notification.too_large");
      assert.deepEqual([...new Set(named.map(({ position }) => position))], [2, 4]);
      // Three closes, and the connection that lasts.
      assert.equal(cloud.connections.length, 4);
    } finally {
      await service.close();
      await cloud[Symbol.asyncDispose]();
    }
  });
}

test("too large - only the same notification three times is blamed, and each group's own", () => {
  const suspects = new SizeSuspects();
  const blamed = (group: string, ids: string[]) => ids.map((id) => suspects.tooBig(group, id));
  assert.deepEqual(blamed("a", ["x", "x", "y", "x", "x"]), [false, false, false, false, false]);
  assert.deepEqual(blamed("b", ["x"]), [false]);
  assert.deepEqual(blamed("a", ["x", "x"]), [true, false]);
});
