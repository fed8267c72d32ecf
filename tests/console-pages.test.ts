// Every page of the console, filled and empty, held against WCAG 2.2 AA by axe: light, dark, and on a narrow screen.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { faultsOf, faultsOfNarrow, wide } from "./kit/axe.ts";
import { signIn, startConsole } from "./kit/console.ts";
import { fillFleet, longName } from "./kit/fleet.ts";

/** axe takes its time. */
const patienceMs = 30_000;

let opened: Awaited<ReturnType<typeof startConsole>>;
let fleet: Awaited<ReturnType<typeof fillFleet>>;
before(async () => {
  opened = await startConsole({ limits: { alertGraceMs: 0, alertSettleMs: 1 } });
  fleet = await fillFleet({ url: opened.url, caPem: opened.caPem, key: opened.adminKey });
});
after(async () => {
  await fleet[Symbol.asyncDispose]();
  await opened[Symbol.asyncDispose]();
});

/** Address, heading, and a text that is there only when the page has what it shows. */
const pages: readonly (readonly [path: string | (() => string), heading: string, shown: string | RegExp])[] =
  [
    ["/", "Overview", "2 of 4"],
    ["/primaries", "Primaries", "4 primaries, 2 connected, 1 disconnected, 1 never connected"],
    ["/primaries?q=nobody", "Primaries", "No primary matches the filters"],
    [() => `/primaries/${fleet.away.id}`, "nbu-oslo-07", "maintenance window until Sunday"],
    ["/primaries/unknown", "Primary", "The primary could not be read"],
    ["/jobs", "Jobs", "failed (196)"],
    [() => `/jobs?primary=${fleet.graz.id}&status=ok`, "Jobs", "Only of"],
    ["/backups", "Backups", "failed (2074)"],
    ["/images", "Images", "files.vienna.example_1795497999"],
    ["/images?client=nobody", "Images", "No image matches"],
    ["/alerts", "Alerts", /No good backup of client/],
    ["/alerts?state=resolved", "Alerts", "No such alert"],
    ["/events", "Events", "netbackup.job.queued"],
    ["/events?type=sallyport.alert", "Events", "sallyport.alert.raised"],
    ["/webhooks", "Webhooks", "There is no webhook"],
    ["/users", "Users", "olga.operator"],
    ["/api-keys", "API keys", "night shift"],
    ["/audit", "Audit", /POST \/api\/v1\/users/],
    ["/nowhere", "There is no such page", "Go to the first page"],
  ];

test("console pages - axe finds nothing and nothing has to be scrolled sideways, light, dark and narrow", async () => {
  await using tab = await opened.open({ viewport: wide });
  const { page } = tab;
  page.setDefaultTimeout(patienceMs);
  await page.goto(opened.url);
  await page.getByRole("button", { name: "Sign in" }).waitFor();
  const faults = await faultsOf(page, "sign-in");
  await signIn(page, opened.adminKey);
  for (const [path, heading, shown] of pages) {
    const address = typeof path === "string" ? path : path();
    await page.goto(`${opened.url}${address}`);
    await page.getByRole("heading", { name: heading, level: 1 }).waitFor();
    await page.getByText(shown).filter({ visible: true }).first().waitFor();
    faults.push(...(await faultsOf(page, address)), ...(await faultsOfNarrow(page, address)));
  }
  assert.equal(faults.join("\n"), "");
  // What the Content-Security-Policy stops, the browser complains about.
  assert.deepEqual(
    tab.complaints.filter((complaint) => complaint.includes("Content Security Policy")),
    [],
  );
});

test("console pages - dialogs are as good as pages: axe, title, Escape, and the focus back where it was", async () => {
  await using tab = await opened.open({ viewport: wide });
  const { page } = tab;
  page.setDefaultTimeout(patienceMs);
  const { url } = opened;
  const { id } = fleet.vienna;
  await page.goto(url);
  await signIn(page, opened.adminKey);
  const dialogs: readonly (readonly [path: string, button: string, title: string])[] = [
    ["/primaries", "Enrol a primary", "Enrol a primary"],
    [`/primaries/${id}`, "Edit", "Edit nbu-vienna-01"],
    [`/primaries/${id}`, "Rotate the token", "Rotate the token of nbu-vienna-01"],
    [`/primaries/${id}`, "Add an endpoint", "Add an endpoint to nbu-vienna-01"],
    [`/primaries/${id}`, "Remove", "Remove nbu-vienna-01?"],
    ["/alerts", "Watch for something", "Watch for something"],
    ["/users", "Add a user", "Add a user"],
    ["/users", "Edit vera.viewer", "Edit vera.viewer"],
    ["/users", "Remove vera.viewer", "Remove vera.viewer?"],
    ["/api-keys", "Make an API key", "Make an API key"],
  ];
  const faults: string[] = [];
  let shown = "";
  for (const [path, button, title] of dialogs) {
    if (path !== shown) await page.goto(`${url}${path}`);
    shown = path;
    const opener = page.getByRole("main").getByRole("button", { name: button, exact: true });
    await opener.focus();
    await page.keyboard.press("Enter");
    const dialog = page.getByRole("dialog", { name: title, exact: true });
    await dialog.waitFor();
    await dialog.locator(":focus").waitFor();
    faults.push(...(await faultsOf(page, title)));
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "hidden" });
    await opener.and(page.locator(":focus")).waitFor();
  }
  assert.equal(faults.join("\n"), "");
});

test("console pages - those who see only some primaries see what is theirs, and why they see no more", async () => {
  await using tab = await opened.open();
  const { page } = tab;
  const { url } = opened;
  await page.goto(`${url}/alerts`);
  await page.getByRole("textbox", { name: "Login" }).fill("vera.viewer");
  await page.getByRole("textbox", { name: "Password" }).fill("a password of tests");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByText("The rules are of the whole hub").waitFor();
  await page.getByText("Nothing is missing").waitFor();
  await page.getByText(longName).first().waitFor();
  assert.equal((await faultsOf(page, "/alerts")).join("\n"), "");
  await page.goto(`${url}/primaries`);
  await page.getByText("1 primary, 1 connected").waitFor();
  assert.equal(await page.getByRole("link", { name: "nbu-graz-02" }).count(), 0);
  await page.getByRole("button", { name: "Change the password" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("textbox", { name: "Current password" }).fill("a password of tests");
  await dialog.getByRole("textbox", { name: "New password" }).fill("another password of tests");
  await dialog.getByRole("button", { name: "Change", exact: true }).click();
  await dialog.getByText("The password is changed").waitFor();
});
