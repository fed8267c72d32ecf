// The console as people use it: a real hub with its own authority, a real primary that dials in, and Chromium, which
// trusts that authority because it stands in the NSS database of its own home folder.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { request } from "node:https";
import { delimiter, join } from "node:path";
import { text } from "node:stream/consumers";
import { before, test } from "node:test";
import { createHub, type EndpointDetails } from "@sallyport/hub";
import { dialEndpoint } from "@sallyport/nbwss";
import { pino } from "pino";
import { chromium, type Page } from "playwright-core";
import { temporaryFolder } from "./kit/folder.ts";

const consoleDir = join(import.meta.dirname, "..", "packages", "console", "dist");

before(() => {
  assert.ok(
    existsSync(join(consoleDir, "index.html")),
    `the console is not built: run "vite build" in packages/console, or "npm test", which does`,
  );
  ensureCertutil();
});

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

/** A hub that serves the console, and Chromium on it, signed out. */
async function openConsole() {
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(temporaryFolder());
  const adminKey = `test-${randomBytes(24).toString("base64url")}`;
  const hub = stack.use(
    await createHub({
      dataDir: join(folder.path, "hub"),
      log: pino({ level: "silent" }),
      adminKey,
      consoleDir,
    }),
  );
  const { url, caFile } = await hub.listen({ host: "127.0.0.1", port: 0 });
  assert.ok(caFile !== undefined);

  const home = join(folder.path, "home");
  makeTrustingHome(home, caFile);
  const executablePath = findProgram("chromium");
  assert.ok(
    executablePath !== undefined,
    'the program "chromium" is missing: install the package "chromium"',
  );
  const browser = await chromium.launch({
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
  stack.defer(() => browser.close());
  const page = await browser.newPage();
  // Three times the interval at which the console reads the hub.
  page.setDefaultTimeout(15_000);
  const seen = watch(page);
  const cleanUp = stack.move();
  return {
    page,
    url,
    hub,
    adminKey,
    caPem: readFileSync(caFile, "utf8"),
    ...seen,
    [Symbol.asyncDispose]: () => cleanUp.disposeAsync(),
  };
}

/** Collects what the page complains about and what it asks for. */
function watch(page: Page) {
  const complaints: string[] = [];
  const origins = new Set<string>();
  page.on("console", (message) => {
    if (message.type() !== "error" && message.type() !== "warning") return;
    complaints.push(`${message.text()} (${message.location().url})`);
  });
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("request", (request) => origins.add(new URL(request.url()).origin));
  page.on("websocket", (socket) => origins.add(new URL(socket.url()).origin));
  return { complaints, origins };
}

async function signIn(page: Page, adminKey: string): Promise<void> {
  await page.getByRole("textbox", { name: "API key" }).fill(adminKey);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { level: 1 }).filter({ hasNotText: "Sign in" }).waitFor();
  await page.goto(new URL("/primaries", page.url()).href);
  await page.getByRole("heading", { name: "Primaries", level: 1 }).waitFor();
}

/** Enrols a primary in the console and returns the one-time address that it shows. */
async function enrol(page: Page, name: string): Promise<string> {
  await page.getByRole("button", { name: "Enrol a primary" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("textbox", { name: "Name" }).fill(name);
  await dialog.getByRole("button", { name: "Enrol" }).click();
  const detailsUrl = await dialog.getByRole("textbox", { name: "Details address" }).inputValue();
  await dialog.getByText("It works once, within an hour", { exact: false }).waitFor();
  await dialog.getByRole("button", { name: "Done" }).click();
  await dialog.waitFor({ state: "hidden" });
  return detailsUrl;
}

async function get(url: string, ca: string): Promise<{ status: number; body: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; body: string }>();
  request(url, { ca }, (response) => {
    text(response).then((body) => resolve({ status: response.statusCode ?? 0, body }), reject);
  })
    .on("error", reject)
    .end();
  return promise;
}

test("console - shows a primary from its enrolment over its connection to its end", async () => {
  await using opened = await openConsole();
  const { page, url, adminKey, caPem, complaints, origins } = opened;
  await page.goto(url);
  await signIn(page, adminKey);
  await page.getByText("No primary is enrolled yet").waitFor();

  const detailsUrl = await enrol(page, "nbu-berlin-01");
  const row = page.getByRole("row", { name: /nbu-berlin-01/ });
  await row.getByText("Never connected", { exact: true }).waitFor();

  const details = await get(detailsUrl, caPem);
  assert.equal(details.status, 200);
  const endpoint = JSON.parse(details.body) as EndpointDetails;
  const primary = await dialEndpoint({
    url: endpoint.url,
    token: endpoint.token,
    tls: { ca: caPem },
    execute: () => Promise.reject(new Error("nobody sends a command here")),
  });
  await row.getByText("Connected", { exact: true }).waitFor();
  await row.getByText("127.0.0.1").waitFor();
  await page.getByText("1 primary, 1 connected").waitFor();

  await primary.close(1000, "maintenance");
  await row.getByText("Disconnected", { exact: true }).waitFor();
  await row.getByText(/1000\s+maintenance/).waitFor();

  const stored = await page.evaluate("JSON.stringify([localStorage, sessionStorage])");
  assert.equal(stored, "[{},{}]");
  assert.equal(await page.evaluate("document.cookie"), "", "the session's cookie is out of a script's reach");
  const content = await page.content();
  assert.ok(
    !content.includes(adminKey) && !content.includes(endpoint.token) && !content.includes(detailsUrl),
  );
  assert.deepEqual([...origins], [url]);
  // Chromium itself reports the answer that says, at first, that nobody is signed in.
  const expected = `${url}/api/v1/session`;
  assert.deepEqual(
    complaints.filter((complaint) => !(complaint.includes("401") && complaint.includes(expected))),
    [],
  );
});

test("console - refuses a wrong key, and comes back to the page that was asked for", async () => {
  await using opened = await openConsole();
  const { page, url, adminKey } = opened;
  await page.goto(`${url}/primaries`);
  await page.getByRole("textbox", { name: "API key" }).fill("not-the-key-of-this-hub");
  await page.keyboard.press("Enter");
  await page.getByRole("alert").getByText("does not know this API key").waitFor();

  await signIn(page, adminKey);
  await page.waitForURL(`${url}/primaries`);
  await page.reload();
  await page.getByText("No primary is enrolled yet").waitFor();
});

test("console - signs out for good", async () => {
  await using opened = await openConsole();
  const { page, url, adminKey } = opened;
  await page.goto(url);
  await signIn(page, adminKey);
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("heading", { name: "Sign in to Sallyport" }).waitFor();
  await page.goto(`${url}/primaries`);
  await page.getByRole("heading", { name: "Sign in to Sallyport" }).waitFor();
});

test("console - keeps what it knows while the hub is gone, and says how old it is", async () => {
  await using opened = await openConsole();
  const { page, url, adminKey, hub } = opened;
  await page.goto(url);
  await signIn(page, adminKey);
  await enrol(page, "nbu-oslo-07");
  const row = page.getByRole("row", { name: /nbu-oslo-07/ });
  await row.waitFor();

  await hub.close();
  await page.getByRole("alert").getByText("What is shown here is out of date").waitFor();
  await page.getByText("The hub cannot be reached.").waitFor();
  assert.ok(await row.isVisible());
});

test("console - is a list of cards on a narrow screen, without scrolling sideways", async () => {
  await using opened = await openConsole();
  const { page, url, adminKey } = opened;
  await page.setViewportSize({ width: 400, height: 800 });
  await page.goto(url);
  await signIn(page, adminKey);
  await enrol(page, "branch-office-with-a-really-long-host-name-10.corp.example.com");
  await page.getByRole("listitem").getByText("Never connected").waitFor();
  const excess = await page.evaluate("document.documentElement.scrollWidth - window.innerWidth");
  assert.equal(excess, 0);
});
