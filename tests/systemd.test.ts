// The unit files as systemd itself reads them.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { temporaryFolder } from "./kit/folder.ts";

const folder = join(import.meta.dirname, "..", "packaging", "systemd");
const units = readdirSync(folder).filter((name) => name.endsWith(".service"));
const analyze = (...args: string[]) => spawnSync("systemd-analyze", args, { encoding: "utf8" });
const skip = analyze("--version").status === 0 ? false : "systemd-analyze is not installed";

/** The most exposure that is accepted, in tenths of systemd's scale from 0 (safe) to 10. */
const exposureTenths = 25;

for (const unit of units) {
  test(`systemd - ${unit} is valid and hardened`, { skip }, () => {
    using copies = temporaryFolder();
    const copy = join(copies.path, unit);
    // The program is not installed where the test runs; systemd looks whether there is one.
    const text = readFileSync(join(folder, unit), "utf8").replace(
      "/usr/local/bin/sallyport",
      process.execPath,
    );
    writeFileSync(copy, text);
    const verified = analyze("verify", "--man=no", "--recursive-errors=no", copy);
    assert.equal(verified.stderr.trim(), "");
    assert.equal(verified.status, 0);
    const security = analyze("security", "--offline=true", `--threshold=${exposureTenths}`, copy);
    if (/unrecognized option/.test(security.stderr)) return;
    assert.equal(security.status, 0, security.stdout);
  });
}

test("systemd - there is a unit with a user of its own and no capability for each part that runs", () => {
  assert.deepEqual(units.sort(), [
    "sallyport-agent.service",
    "sallyport-hub.service",
    "sallyport-primary.service",
  ]);
  const users = readFileSync(join(folder, "sallyport.sysusers.conf"), "utf8");
  for (const unit of units) {
    const text = readFileSync(join(folder, unit), "utf8");
    const [, user = ""] = /^User=(.+)$/m.exec(text) ?? [];
    assert.match(users, new RegExp(`^u ${user}\\s`, "m"));
    assert.match(text, /^CapabilityBoundingSet=$/m);
    assert.match(text, /^ProtectSystem=strict$/m);
    assert.match(text, /^NoNewPrivileges=yes$/m);
  }
});
