import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { openDatabase } from "@sallyport/durable";
import { NbwssError } from "@sallyport/nbwss";
import { ManualClock } from "@sallyport/nbwss/testing";
import { pino } from "pino";
import { temporaryFolder } from "../../../../tests/kit/folder.ts";
import { Outbox } from "./outbox.ts";
import { sendNotifications } from "./sender.ts";
import { SizeSuspects } from "./size-suspects.ts";

test("sender - an acknowledgement that comes too late still counts: nothing is sent again", async () => {
  using folder = temporaryFolder();
  using database = openDatabase({ path: join(folder.path, "test.sqlite"), migrations: [] });
  const outbox = new Outbox(database, { maxNotifications: 100, maxNotificationBytes: 1_000 }, () => {});
  outbox.setGroups(["cloud"]);
  outbox.append([{ notificationType: "INFO", object: "JOB", data: [{ jobId: 1 }] }]);
  const clock = new ManualClock();
  const sent: string[] = [];
  let acknowledgeLate = (_id: string) => {};
  const gone = Promise.withResolvers<{ code: number; reason: string }>();
  const timedOut = Promise.withResolvers<void>();
  const ended = sendNotifications({
    outbox,
    groupId: "cloud",
    suspects: new SizeSuspects(),
    connection: {
      isOpen: true,
      refusedTooLarge: false,
      hello: async () => undefined,
      resume: () => assert.fail("nothing was said of resuming"),
      announceGap: () => assert.fail("nothing is missing"),
      closed: gone.promise,
      onLateAcknowledgement: (listener) => (acknowledgeLate = listener),
      // The endpoint takes longer than is waited for: the fault under test.
      async notify(id) {
        sent.push(id);
        throw new NbwssError("timeout", "no response in time");
      },
    },
    clock,
    log: pino({ level: "warn" }, { write: () => timedOut.resolve() }),
    sendTimeoutMs: 2_000,
    resendAfterMs: 5_000,
    maxUnacknowledged: 10,
    helloTimeoutMs: 1_000,
  });
  await timedOut.promise;
  acknowledgeLate("00000000-0000-4000-8000-000000000000");
  assert.equal(outbox.cursor("cloud"), 0);
  acknowledgeLate(sent[0]?.toLowerCase() ?? "");
  clock.advance(60_000);
  gone.resolve({ code: 1000, reason: "" });
  await ended;
  assert.equal(sent.length, 1);
  assert.equal(outbox.cursor("cloud"), 1);
  assert.equal(clock.armed, 0);
});
