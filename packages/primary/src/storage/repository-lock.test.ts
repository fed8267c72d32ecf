import assert from "node:assert/strict";
import test from "node:test";
import { RepositoryLock } from "./repository-lock.ts";

test("repository lock - lets readers in together and a writer alone, in order of arrival", async () => {
  const lock = new RepositoryLock();
  const events: string[] = [];
  const gates = new Map<string, () => void>();
  const work = (name: string) => async () => {
    events.push(`${name}+`);
    await new Promise<void>((resolve) => gates.set(name, resolve));
    events.push(`${name}-`);
  };
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  const all = [
    lock.withShared(work("a")),
    lock.withShared(work("b")),
    lock.withExclusive(work("w")),
    lock.withShared(work("c")),
  ];
  await turn();
  assert.deepEqual(events, ["a+", "b+"]);
  for (const name of ["a", "b", "w", "c"]) {
    gates.get(name)?.();
    await turn();
  }
  await Promise.all(all);
  assert.deepEqual(events, ["a+", "b+", "a-", "b-", "w+", "w-", "c+", "c-"]);
});

test("repository lock - forgets a waiter whose signal is aborted, and lets the next one in", async () => {
  const lock = new RepositoryLock();
  let release = () => {};
  const held = lock.withShared(() => new Promise<void>((resolve) => (release = resolve)));
  const aborter = new AbortController();
  const writer = lock.withExclusive(async () => {}, aborter.signal);
  let entered = false;
  const reader = lock.withShared(async () => {
    entered = true;
  });
  aborter.abort();
  await assert.rejects(writer, { name: "AbortError" });
  await reader;
  assert.ok(entered);
  release();
  await held;
});
