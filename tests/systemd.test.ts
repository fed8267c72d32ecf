// The unit files as systemd itself reads them.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { temporaryFolder } from "./kit/folder.ts";
import { startUnit, whyNoUser } from "./kit/unit.ts";

const folderOfUnits = join(import.meta.dirname, "..", "packaging", "systemd");
const units = readdirSync(folderOfUnits).filter((name) => name.endsWith(".service"));
const analyze = (...args: string[]) => spawnSync("systemd-analyze", args, { encoding: "utf8" });
const skip = analyze("--version").status === 0 ? false : "systemd-analyze is not installed";

/** The most exposure that is accepted, in tenths of systemd's scale from 0 (safe) to 10. */
const exposureTenths = 25;

for (const unit of units) {
  test(`systemd - ${unit} is valid and hardened`, { skip }, () => {
    using copies = temporaryFolder();
    const copy = join(copies.path, unit);
    // The program is not installed where the test runs; systemd looks whether there is one.
    const text = readFileSync(join(folderOfUnits, unit), "utf8").replace(
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
  const users = readFileSync(join(folderOfUnits, "sallyport.sysusers.conf"), "utf8");
  for (const unit of units) {
    const text = readFileSync(join(folderOfUnits, unit), "utf8");
    const [, user = ""] = /^User=(.+)$/m.exec(text) ?? [];
    assert.match(users, new RegExp(`^u ${user}\\s`, "m"));
    assert.match(text, /^CapabilityBoundingSet=$/m);
    assert.match(text, /^ProtectSystem=strict$/m);
    assert.match(text, /^NoNewPrivileges=yes$/m);
  }
});

/** What each unit's place adds to the command. */
const parts: [part: string, options: string][] = [
  ["hub", "--public-url https://hub.example:8443"],
  ["primary", ""],
  ["agent", "--upstream https://127.0.0.1:1 --listen 127.0.0.1:0"],
];

for (const [part, options] of parts) {
  // Not by systemd, which would have to be the first process: its own sandbox is only looked at, above.
  test(
    `systemd - the command of sallyport-${part}.service runs as a user without any right but to its own folder`,
    { skip: whyNoUser() ?? false },
    async () => {
      // Not in the folder of the tests, which another user may not pass through.
      using folder = temporaryFolder("/var/tmp");
      const key = join(folder.path, "api-key");
      writeFileSync(key, "key-of-a-test\n", { mode: 0o600 });
      const credentials: Record<string, string> = part === "agent" ? { "api-key": key } : {};
      await using unit = await startUnit(
        join(folderOfUnits, `sallyport-${part}.service`),
        folder.path,
        options,
        credentials,
      );
      await unit.announced();
      const files = readdirSync(unit.stateDir, { recursive: true, withFileTypes: true });
      assert.ok(files.length > 2);
      for (const { parentPath, name } of files) {
        const { uid, mode } = statSync(join(parentPath, name));
        assert.equal(uid, unit.uid, name);
        assert.equal(mode & 0o077, 0, `${name} is for its owner alone`);
      }
      assert.ok(unit.reload());
      assert.equal(await unit.stop(), 0, unit.log.join("\n"));
    },
  );
}
