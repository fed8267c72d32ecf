import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { delimiter, join } from "node:path";
import { chromium, type Browser } from "playwright-core";

function findProgram(name: string): string | undefined {
  const folders = (process.env["PATH"] ?? "").split(delimiter).filter(Boolean);
  return folders.map((folder) => join(folder, name)).find((file) => existsSync(file));
}

/** `certutil` writes the database in which Chromium on Linux looks for authorities. */
function ensureCertutil(): void {
  if (findProgram("certutil") !== undefined) return;
  const byHand = 'the program "certutil" is missing: install the Debian package "libnss3-tools"';
  assert.ok(process.getuid?.() === 0 && findProgram("apt-get") !== undefined, byHand);
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  execFileSync("apt-get", ["update", "-q"], { env, stdio: "ignore" });
  execFileSync("apt-get", ["install", "-y", "-q", "--no-install-recommends", "libnss3-tools"], {
    env,
    stdio: "ignore",
  });
  assert.ok(findProgram("certutil") !== undefined, byHand);
}

/** Makes a home folder in which Chromium trusts one authority more. */
function makeTrustingHome(home: string, caFile: string): void {
  const database = join(home, ".pki", "nssdb");
  mkdirSync(database, { recursive: true, mode: 0o700 });
  const options = { stdio: "pipe" } as const;
  execFileSync("certutil", ["-N", "-d", `sql:${database}`, "--empty-password"], options);
  execFileSync(
    "certutil",
    ["-A", "-d", `sql:${database}`, "-n", "Sallyport hub", "-t", "C,,", "-i", caFile],
    options,
  );
}

/**
 * Starts Chromium, which verifies every certificate and trusts this authority too.
 * @param home an empty folder for its database of authorities
 */
export async function startChromium(home: string, caFile: string): Promise<Browser> {
  ensureCertutil();
  makeTrustingHome(home, caFile);
  const executablePath = findProgram("chromium");
  assert.ok(
    executablePath !== undefined,
    'the program "chromium" is missing: install the package "chromium"',
  );
  return chromium.launch({
    executablePath,
    env: { ...process.env, HOME: home },
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}
