import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { HubError } from "../errors.ts";
import type { EventLog, LogEvent, StoredEvent } from "./log.ts";

/** What the suite needs of an implementation. */
export interface EventLogSubject {
  /** Opens the same log again after the one before was closed. */
  open: (options: { maxPendingEvents: number }) => Promise<EventLog>;
  /** Removes what it kept. */
  remove: () => Promise<void>;
}

const event = (id: string, more: Partial<LogEvent> = {}): LogEvent => ({
  id,
  type: "netbackup.job.done",
  source: "/primaries/a",
  subject: "job/1",
  time: "2026-11-24T00:00:00.000Z",
  data: { jobId: 1, text: "ünï" },
  ...more,
});

const ids = (events: readonly LogEvent[]) => events.map(({ id }) => id);

/** The promises of `EventLog`, as tests that every implementation has to pass. */
export function describeEventLog(name: string, make: () => Promise<EventLogSubject>): void {
  async function withLog(
    body: (log: EventLog, subject: EventLogSubject) => Promise<void>,
    maxPendingEvents = 1_000,
  ): Promise<void> {
    const subject = await make();
    const log = await subject.open({ maxPendingEvents });
    try {
      await body(log, subject);
    } finally {
      await log.close();
      await subject.remove();
    }
  }

  describe(name, () => {
    test("append - gives rising positions in the order of the calls", () =>
      withLog(async (log) => {
        const all = await Promise.all([log.append([event("1"), event("2")]), log.append([event("3")])]);
        const positions = all.flat().map(({ position }) => position);
        assert.deepEqual(
          positions,
          [...positions].sort((a, b) => a - b),
        );
        assert.equal(new Set(positions).size, 3);
        assert.ok(all.flat().every(({ duplicate }) => !duplicate));
        assert.equal(await log.lastPosition(), positions[2]);
        assert.deepEqual(ids(await log.read({ after: 0, limit: 10 })), ["1", "2", "3"]);
      }));

    test("append - of nothing resolves and stores nothing", () =>
      withLog(async (log) => {
        assert.deepEqual(await log.append([]), []);
        assert.equal(await log.lastPosition(), 0);
      }));

    test("append - answers a duplicate with the position it has, in the same turn or later", () =>
      withLog(async (log) => {
        const [[first], [again]] = await Promise.all([log.append([event("1")]), log.append([event("1")])]);
        const [later] = await log.append([event("1", { subject: "other" })]);
        assert.equal(first?.duplicate, false);
        assert.deepEqual(again, { position: first?.position, duplicate: true });
        assert.deepEqual(later, again);
        assert.equal((await log.read({ after: 0, limit: 10 })).length, 1);
      }));

    test("append - refuses above the bound and takes more once the rest is committed", () =>
      withLog(async (log) => {
        const fits = log.append([event("1"), event("2")]);
        const tooMany = log.append([event("3")]);
        await assert.rejects(tooMany, (error) => error instanceof HubError && error.code === "log_busy");
        await fits;
        await log.append([event("3")]);
        assert.deepEqual(ids(await log.read({ after: 0, limit: 10 })), ["1", "2", "3"]);
      }, 2));

    const at = (position: number, more: { journal?: string; groupId?: string } = {}) => {
      const id = position === 0 ? null : `m${position}`;
      return { source: "/primaries/a", groupId: "g", journal: "j", position, id, ...more };
    };
    const advance = (from: number, to = from) => ({ kind: "advance", from, standing: at(to) }) as const;

    test("append - changes a standing with its events, in order and only when nothing is missing before", () =>
      withLog(async (log, subject) => {
        const standing = () => log.standing("/primaries/a", "g");
        assert.equal(standing(), undefined);
        const setting = log.append([], { kind: "set", standing: at(4) });
        const going = log.append([event("5")], advance(5));
        assert.equal(standing(), undefined, "not on the disk yet");
        await Promise.all([setting, going]);
        assert.deepEqual(standing(), at(5));
        await assert.rejects(log.append([event("7")], advance(7)), { code: "out_of_sequence" });
        await Promise.all([log.append([event("6")], advance(6)), log.append([event("9")], advance(7, 9))]);
        assert.deepEqual(standing(), at(9));
        // What it has passed changes nothing of it, and is stored if it was not.
        await log.append([event("8"), event("5")], advance(8));
        assert.deepEqual([standing(), await log.lastPosition()], [at(9), 4]);
        const other = { kind: "advance", from: 10, standing: at(10, { journal: "k" }) } as const;
        await assert.rejects(log.append([event("10")], other), { code: "out_of_sequence" });
        await log.append([], { kind: "set", standing: at(1, { groupId: "h" }) });
        await log.close();
        const again = await subject.open({ maxPendingEvents: 10 });
        assert.deepEqual(ids(await again.read({ after: 0, limit: 10 })), ["5", "6", "9", "8"]);
        assert.deepEqual(again.standing("/primaries/a", "g"), at(9));
        await again.append([], { kind: "forget", source: "/primaries/a", groupId: "g" });
        assert.deepEqual(again.standing("/primaries/a", "g"), undefined);
        assert.equal(again.standing("/primaries/a", "h")?.position, 1);
        await again.append([event("11")], { kind: "forget", source: "/primaries/a" });
        assert.equal(again.standing("/primaries/a", "h"), undefined);
        await again.close();
      }));

    test("read - gives back what was appended, unchanged", () =>
      withLog(async (log) => {
        const [appended] = await log.append([event("1")]);
        const expected = [{ ...event("1"), position: appended?.position }];
        assert.deepEqual(
          (await log.read({ after: 0, limit: 1 })).map((found) => ({ ...found })),
          expected,
        );
      }));

    test("read - filters by the beginning of the type and by source, and pages", () =>
      withLog(async (log) => {
        await log.append([
          event("1", { type: "netbackup.job.active" }),
          event("2", { type: "netbackup.image.create" }),
          event("3", { type: "sallyport.primary.enrolled" }),
          event("4", { type: "netbackup.job.done", source: "/primaries/b" }),
        ]);
        const read = async (options: Partial<Parameters<EventLog["read"]>[0]>) =>
          ids(await log.read({ after: 0, limit: 10, ...options }));
        assert.deepEqual(await read({ types: ["netbackup.job"] }), ["1", "4"]);
        assert.deepEqual(await read({ types: ["netbackup.image", "sallyport."] }), ["2", "3"]);
        assert.deepEqual(await read({ source: "/primaries/a", types: ["netbackup."] }), ["1", "2"]);
        const [first] = await log.read({ after: 0, limit: 1 });
        assert.deepEqual(await read({ after: first?.position ?? 0, limit: 2 }), ["2", "3"]);
        assert.deepEqual(await read({ types: ["%"] }), []);
      }));

    test("backwards - gives events of one type, newest first, from below a position", () =>
      withLog(async (log) => {
        await log.append([
          event("1"),
          event("2", { type: "netbackup.job.done.more" }),
          event("3", { source: "/primaries/b" }),
          event("4"),
        ]);
        const backwards = async (options: Partial<Parameters<EventLog["backwards"]>[0]>) =>
          ids(await log.backwards({ type: "netbackup.job.done", before: Infinity, limit: 10, ...options }));
        assert.deepEqual(await backwards({}), ["4", "3", "1"]);
        assert.deepEqual(await backwards({ limit: 2 }), ["4", "3"]);
        assert.deepEqual(await backwards({ source: "/primaries/a" }), ["4", "1"]);
        const [, second] = await log.backwards({ type: "netbackup.job.done", before: Infinity, limit: 2 });
        assert.deepEqual(await backwards({ before: second?.position ?? 0 }), ["1"]);
      }));

    test("subscribe - hears each commit once and in order, before its append resolves", () =>
      withLog(async (log) => {
        const heard: StoredEvent[] = [];
        const unsubscribe = log.subscribe((events) => heard.push(...events));
        await log.append([event("1"), event("2")]);
        assert.deepEqual(ids(heard), ["1", "2"]);
        await log.append([event("2"), event("3")]);
        assert.deepEqual(ids(heard), ["1", "2", "3"]);
        unsubscribe();
        await log.append([event("4")]);
        assert.equal(heard.length, 3);
      }));

    test("close - commits what waits; the log opens again with all of it", () =>
      withLog(async (log, subject) => {
        const appending = log.append([event("1")]);
        await Promise.all([log.close(), log.close()]);
        await appending;
        await assert.rejects(log.append([event("2")]), HubError);
        await using reopened = await subject.open({ maxPendingEvents: 10 });
        assert.deepEqual(ids(await reopened.read({ after: 0, limit: 10 })), ["1"]);
        const [again] = await reopened.append([event("1")]);
        assert.equal(again?.duplicate, true);
      }));

    test("check - resolves while the log can be written", () => withLog((log) => log.check()));
  });
}
