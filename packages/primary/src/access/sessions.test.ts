import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { openDatabase } from "@sallyport/durable";
import { limits } from "../limits.ts";
import { migrations } from "../schema.ts";
import { Sessions } from "./sessions.ts";

test("sessions - a token that was good is refused once its session has ended or its time is over, and so is one that was changed", async () => {
  const dir = await mkdtemp(join(tmpdir(), "sallyport-sessions-"));
  try {
    using database = openDatabase({ path: join(dir, "primary.db"), migrations });
    let nowMs = 1_700_000_000_000;
    const sessions = await Sessions.open(dir, database, { nowMs: () => nowMs });
    const [ended, kept] = [await sessions.begin("ada"), await sessions.begin("ada")];
    for (const token of [ended, kept, ended, kept]) {
      assert.equal((await sessions.authenticate(token)).userName, "ada");
    }
    sessions.end((await sessions.authenticate(ended)).sessionId);
    await assert.rejects(sessions.authenticate(ended), { code: "unauthenticated" });
    assert.equal((await sessions.authenticate(kept)).userName, "ada");
    const changed = kept.split(".").with(2, ended.split(".")[2] ?? "");
    await assert.rejects(sessions.authenticate(changed.join(".")), { code: "unauthenticated" });
    nowMs += limits.sessionSeconds * 1000;
    await assert.rejects(sessions.authenticate(kept), { code: "unauthenticated" });
  } finally {
    await rm(dir, { recursive: true });
  }
});
