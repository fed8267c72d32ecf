import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createHub, type HubOptions } from "@sallyport/hub";
import { pino } from "pino";
import type { BrowserContextOptions, Page } from "playwright-core";
import { startChromium } from "./chromium.ts";
import { temporaryFolder } from "./folder.ts";

const consoleDir = join(import.meta.dirname, "..", "..", "packages", "console", "dist");
/** Three times the interval at which the console reads the hub by itself, ms. */
const patienceMs = 15_000;

/** A page of the console, and what it complained about and asked for. */
export interface ConsolePage extends AsyncDisposable {
  page: Page;
  /** Errors and warnings of the browser's console, with where they come from. */
  complaints: string[];
  /** Every origin that the page asked for something. */
  origins: Set<string>;
}

/** A real hub that serves the console, and Chromium, which trusts it. */
export async function startConsole(options: Pick<HubOptions, "limits" | "webhooks"> = {}) {
  assert.ok(
    existsSync(join(consoleDir, "index.html")),
    `the console is not built: run "vite build" in packages/console, or "npm test", which does`,
  );
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(temporaryFolder());
  const adminKey = `test-${randomBytes(24).toString("base64url")}`;
  const hub = stack.use(
    await createHub({
      dataDir: join(folder.path, "hub"),
      log: pino({ level: "silent" }),
      adminKey,
      consoleDir,
      ...options,
    }),
  );
  const { url, caFile } = await hub.listen({ host: "127.0.0.1", port: 0 });
  assert.ok(caFile !== undefined);
  const browser = await startChromium(join(folder.path, "home"), caFile);
  stack.defer(() => browser.close());
  const cleanUp = stack.move();
  return {
    url,
    hub,
    adminKey,
    caPem: readFileSync(caFile, "utf8"),
    /** A page with cookies of its own. */
    async open(options: BrowserContextOptions = {}): Promise<ConsolePage> {
      // Nothing fades or slides: what is looked at is what is there.
      const context = await browser.newContext({ reducedMotion: "reduce", ...options });
      const page = await context.newPage();
      page.setDefaultTimeout(patienceMs);
      return { page, ...watch(page), [Symbol.asyncDispose]: () => context.close() };
    },
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

/** Signs in with an API key, from the sign-in page, and waits for the page behind it. */
export async function signIn(page: Page, apiKey: string): Promise<void> {
  const field = page.getByRole("textbox", { name: "API key" });
  const choice = page.getByRole("radiogroup", { name: "Sign in with" });
  await page.getByRole("button", { name: "Sign in" }).waitFor();
  // There is a choice only on hubs that have users.
  if (await choice.isVisible()) await choice.getByText("API key").click();
  await field.fill(apiKey);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { level: 1 }).filter({ hasNotText: "Sign in" }).waitFor();
}
