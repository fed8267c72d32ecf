// Images of a foreign NetBackup over real TLS, read into a real outbox: made, changed, gone, and not gone after all.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ForeignImage } from "../../../../tests/kit/foreign-netbackup.ts";
import { startPolledUpstream } from "../testing/polled-upstream.ts";

const at = (text: string) => Date.parse(`2026-11-24T${text}Z`);
const dayMs = 86_400_000;
const image = (id: string, backupMs: number, more: Partial<ForeignImage> = {}): ForeignImage => ({
  id,
  backupMs,
  copyMs: backupMs + 10_000,
  copies: 1,
  ...more,
});

test("images - what is there when watching began is no news; then CREATE, UPDATE, NO_LOCAL_COPY_AVAILABLE, DELETE", async () => {
  await using upstream = await startPolledUpstream();
  const { foreign, images, signal, told } = upstream;
  const old = [0, 1, 2, 3, 4, 5].map((n) => image(`old_${n}`, at("09:00:00") - n * dayMs));
  foreign.images = [...old];
  await images.pollRecent(signal);
  await images.pollAll(signal);
  assert.deepEqual(told(), []);
  assert.equal(images.counts.known, 6);

  foreign.nowMs = at("10:10:00");
  foreign.images.push(image("client_1", at("10:05:00"), { copies: 2 }));
  await images.pollRecent(signal);
  assert.deepEqual(told(), ["client_1 CREATE"]);
  assert.deepEqual(upstream.outbox.read(0, 1)[0]?.entry.data, [
    {
      backupId: "client_1",
      clientName: "client",
      clientType: "WINDOWS_NT",
      backupTime: at("10:05:00") / 1000,
      createdTime: at("10:05:10") / 1000,
      operationId: "CREATE",
    },
  ]);
  Object.assign(foreign.images.at(-1) ?? {}, { copies: 1 });
  await images.pollRecent(signal);
  Object.assign(foreign.images.at(-1) ?? {}, { copies: 0 });
  await images.pollRecent(signal);
  foreign.images.pop();
  await images.pollRecent(signal);
  await images.pollRecent(signal);
  assert.deepEqual(told(), ["client_1 UPDATE", "client_1 NO_LOCAL_COPY_AVAILABLE", "client_1 DELETE"]);
});

test("images - what happens to old ones is found when all are compared", async () => {
  await using upstream = await startPolledUpstream();
  const { foreign, images, signal, told } = upstream;
  foreign.images = Array.from({ length: 20 }, (_, n) => image(`old_${n}`, at("09:00:00") - n * dayMs));
  await images.pollAll(signal);
  foreign.images.splice(10, 2);
  Object.assign(foreign.images[15] ?? {}, { kbytes: 2 });
  foreign.images.push(image("imported_1", at("09:00:00") - 40 * dayMs));
  await images.pollRecent(signal);
  assert.deepEqual(told(), []);
  await images.pollAll(signal);
  assert.deepEqual(told().sort(), ["imported_1 CREATE", "old_17 UPDATE"]);
  // Each is looked at by itself before it counts as gone.
  await images.pollRecent(signal);
  assert.deepEqual(told(), ["old_10 DELETE", "old_11 DELETE"]);
});

test("images - one that expires between two readings is told of when its time is up, and only when it is gone", async () => {
  await using upstream = await startPolledUpstream();
  const { foreign, images, signal, told } = upstream;
  const expiresMs = at("12:00:00");
  foreign.images = ["a", "b"].map((id) => image(`${id}_1`, at("09:00:00") - 30 * dayMs, { expiresMs }));
  await images.pollAll(signal);
  foreign.nowMs = at("11:00:00");
  // The server cleans up before the time that we know of: not looked for until then, or until all are compared.
  foreign.images = foreign.images.filter(({ id }) => id === "b_1");
  await images.pollRecent(signal);
  assert.deepEqual(told(), []);
  foreign.nowMs = at("12:00:30");
  await images.pollRecent(signal);
  assert.deepEqual(told(), ["a_1 DELETE"]);
  const asked = () => foreign.requests.filter((address) => address.endsWith("/b_1")).length;
  assert.equal(asked(), 1);
  // It is still there, since NetBackup cleans up twice a day: it is not asked for at every reading.
  await images.pollRecent(signal);
  assert.equal(asked(), 1);
  foreign.images = [];
  foreign.nowMs = at("12:11:00");
  await images.pollRecent(signal);
  assert.deepEqual(told(), ["b_1 DELETE"]);
});

test("images - pages that move while they are read make none look gone and miss none", async () => {
  await using upstream = await startPolledUpstream();
  const { foreign, images, signal, told } = upstream;
  foreign.images = Array.from({ length: 14 }, (_, n) => image(`now_${n}`, at("09:00:00") - n * 1000));
  await images.pollAll(signal);
  foreign.nowMs = at("10:30:00");
  foreign.images.push(image("new_0", at("10:20:00") - 3_600_000 * 2));
  let requests = 0;
  foreign.before = () => {
    requests += 1;
    // What stood on the first page goes, and everything moves up by five: more than a page.
    if (requests === 2) foreign.images.splice(0, 5);
    if (requests === 4) foreign.images.push(image("new_1", at("10:29:00")));
  };
  await images.pollRecent(signal);
  await images.pollRecent(signal);
  assert.deepEqual(told().sort(), [
    "new_0 CREATE",
    "new_1 CREATE",
    ...[0, 1, 2, 3, 4].map((n) => `now_${n} DELETE`),
  ]);
});

test("images - those made while the first reading goes on are told of", async () => {
  await using upstream = await startPolledUpstream();
  const { foreign, images, signal, told } = upstream;
  foreign.images = Array.from({ length: 9 }, (_, n) => image(`old_${n}`, at("09:00:00") - n * dayMs));
  let requests = 0;
  foreign.before = () => {
    requests += 1;
    if (requests === 3) foreign.images.push(image("new_1", at("10:00:30")));
  };
  await images.pollAll(signal);
  await images.pollRecent(signal);
  assert.deepEqual(told(), ["new_1 CREATE"]);
});

test("images - beyond the bound no more are remembered or told of, and that is said and counted", async () => {
  await using upstream = await startPolledUpstream({ limits: { maxImages: 3, pageSize: 10 } });
  const { foreign, images, signal, told } = upstream;
  await images.pollAll(signal);
  foreign.nowMs = at("10:10:00");
  foreign.images = [0, 1, 2, 3, 4].map((n) => image(`new_${n}`, at("10:05:00") + n * 1000));
  await images.pollRecent(signal);
  await images.pollRecent(signal);
  assert.equal(told().length, 3);
  assert.deepEqual({ ...images.counts }, { notifications: 3, known: 3, ignored: 4 });
  assert.equal(upstream.lines.filter(({ msg }) => msg === "poll.images_beyond_bound").length, 1);
});
