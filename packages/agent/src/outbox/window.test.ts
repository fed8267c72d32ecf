import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { OutboxItem } from "./outbox.ts";
import { SendWindow } from "./window.ts";

const entry = { notificationType: "INFO", object: "JOB", data: [] };
const item = (position: number, subject: string): OutboxItem => ({
  position,
  id: `${position}`,
  subject,
  entry,
});
const positions = (items: OutboxItem[]) => items.map(({ position }) => position);

test("window - sends different subjects together, one subject in order", () => {
  const window = new SendWindow<OutboxItem>(10, 8);
  window.add([item(11, "job/1"), item(12, "job/1"), item(13, "job/2")]);
  assert.deepEqual(positions(window.takeSendable()), [11, 13]);
  assert.deepEqual(positions(window.takeSendable()), []);
  assert.equal(window.acknowledge(13), false);
  assert.equal(window.cursor, 10);
  assert.equal(window.acknowledge(11), true);
  assert.equal(window.cursor, 11);
  assert.deepEqual(positions(window.takeSendable()), [12]);
  window.retry(12);
  assert.deepEqual(positions(window.takeSendable()), [12]);
  assert.equal(window.acknowledge(12), true);
  assert.deepEqual([window.cursor, window.room], [13, 8]);
});

test("window - whatever is acknowledged or retried when, each subject's first deliveries are in order and the cursor never passes what is open", () => {
  const action = fc.record({ acknowledge: fc.boolean(), pick: fc.nat() });
  fc.assert(
    fc.property(
      fc.array(fc.nat({ max: 3 }), { maxLength: 40 }),
      fc.array(action, { maxLength: 300 }),
      (subjects, actions) => {
        const all = subjects.map((subject, index) => item(index + 1, `job/${subject}`));
        const window = new SendWindow<OutboxItem>(0, 5);
        const inFlight: OutboxItem[] = [];
        const delivered = new Map<string, number[]>();
        const acknowledged = new Set<number>();
        const pump = () => {
          window.add(all.slice(window.readUpTo, window.readUpTo + window.room));
          for (const sent of window.takeSendable()) {
            assert.ok(!inFlight.some(({ subject }) => subject === sent.subject));
            inFlight.push(sent);
          }
        };
        const settle = ({ acknowledge, pick }: { acknowledge: boolean; pick: number }) => {
          const [next] = inFlight.splice(pick % inFlight.length, 1);
          if (next === undefined) return;
          if (!acknowledge) {
            window.retry(next.position);
            return;
          }
          delivered.set(next.subject, [...(delivered.get(next.subject) ?? []), next.position]);
          acknowledged.add(next.position);
          window.acknowledge(next.position);
        };
        pump();
        for (const step of actions) {
          settle(step);
          pump();
          for (let at = 1; at <= window.cursor; at += 1) assert.ok(acknowledged.has(at));
        }
        while (inFlight.length > 0) {
          settle({ acknowledge: true, pick: 0 });
          pump();
        }
        assert.equal(window.cursor, all.length);
        for (const order of delivered.values())
          assert.deepEqual(
            order,
            order.toSorted((a, b) => a - b),
          );
      },
    ),
  );
});

test("window - where order is kept all may go at once, and again in order", () => {
  const window = new SendWindow<OutboxItem>(0, 10, true);
  window.add([item(1, "job/1"), item(2, "job/1"), item(3, "job/2")]);
  assert.deepEqual(positions(window.takeSendable()), [1, 2, 3]);
  window.retry(2);
  window.retry(1);
  assert.deepEqual(positions(window.takeSendable()), [1, 2]);
  window.acknowledge(1);
  assert.equal(window.cursor, 1);
});
