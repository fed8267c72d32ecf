// The console as people use it: a real hub with its own authority, real primaries that dial in, and Chromium, which
// trusts that authority because it stands in the NSS database of its own home folder.
import assert from "node:assert/strict";
import { request } from "node:https";
import { text } from "node:stream/consumers";
import { after, before, test } from "node:test";
import type { EndpointDetails } from "@sallyport/hub";
import type { Page } from "playwright-core";
import { signIn, startConsole } from "./kit/console.ts";
import { callHub, dialAs, enrolPrimary, report, type HubAddress } from "./kit/fleet.ts";

let opened: Awaited<ReturnType<typeof startConsole>>;
let hub: HubAddress;
before(async () => {
  opened = await startConsole();
  hub = { url: opened.url, caPem: opened.caPem, key: opened.adminKey };
});
after(() => opened[Symbol.asyncDispose]());

async function get(url: string, ca: string): Promise<{ status: number; body: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; body: string }>();
  request(url, { ca, agent: false }, (response) => {
    text(response).then((body) => resolve({ status: response.statusCode ?? 0, body }), reject);
  })
    .on("error", reject)
    .end();
  return promise;
}

/** Tabs forward, as far as a page may ask for, until something has the focus. */
async function tabTo(
  page: Page,
  role: "button" | "textbox" | "combobox" | "link",
  name: string,
): Promise<void> {
  const wanted = page.getByRole(role, { name, exact: true });
  await wanted.waitFor();
  for (let stops = 0; stops < 60; stops += 1) {
    if ((await wanted.and(page.locator(":focus")).count()) === 1) return;
    await page.keyboard.press("Tab");
  }
  assert.fail(`the Tab key does not reach the ${role} "${name}"`);
}

test("console - shows a primary from its enrolment, by keyboard alone, over its connection to its end", async () => {
  const { url, adminKey, caPem } = opened;
  await using tab = await opened.open();
  const { page, complaints, origins } = tab;
  await page.goto(url);
  await page.getByRole("button", { name: "Sign in" }).waitFor();
  await page.keyboard.type(adminKey);
  await page.keyboard.press("Enter");
  await page.getByText("No primary is enrolled yet").waitFor();

  await page.keyboard.press("Tab");
  assert.equal(await page.locator(":focus").textContent(), "Skip to the content");
  await tabTo(page, "link", "Primaries");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Primaries", level: 1 }).waitFor();
  await tabTo(page, "button", "Enrol a primary");
  await page.keyboard.press("Enter");
  const dialog = page.getByRole("dialog");
  await dialog.waitFor();
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "hidden" });
  await page.getByRole("button", { name: "Enrol a primary" }).and(page.locator(":focus")).waitFor();
  await page.keyboard.press("Enter");
  await tabTo(page, "textbox", "Name");
  await page.keyboard.type("nbu-berlin-01");
  await tabTo(page, "combobox", "Labels");
  await page.keyboard.type("Berlin");
  await page.keyboard.press("Enter");
  await dialog.getByText("“Berlin” is not NAME=VALUE").waitFor();
  await page.keyboard.type("site=berlin");
  await page.keyboard.press("Enter");
  await tabTo(page, "button", "Enrol");
  await page.keyboard.press("Enter");
  const address = dialog.getByRole("textbox", { name: "Details address" });
  const detailsUrl = await address.inputValue();
  await dialog.getByText("It works once, within an hour", { exact: false }).waitFor();
  // The focus stays within the dialog, wherever the Tab key goes.
  for (let stops = 0; stops < 8; stops += 1) {
    await page.keyboard.press("Tab");
    assert.equal(await dialog.locator(":focus").count(), 1);
  }
  await tabTo(page, "button", "Done");
  await page.keyboard.press("Enter");
  await dialog.waitFor({ state: "hidden" });

  const row = page.getByRole("row", { name: /nbu-berlin-01/ });
  await row.getByText("Never connected", { exact: true }).waitFor();
  await row.getByText("site=berlin").waitFor();
  const details = await get(detailsUrl, caPem);
  assert.equal(details.status, 200);
  const endpoint = JSON.parse(details.body) as EndpointDetails;
  const primary = await dialAs(hub, { endpoint });
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
  const { url, adminKey } = opened;
  await using tab = await opened.open();
  const { page } = tab;
  await page.goto(`${url}/jobs?status=failed`);
  await page.getByRole("textbox", { name: "API key" }).fill("not-the-key-of-this-hub");
  await page.keyboard.press("Enter");
  await page.getByRole("alert").getByText("does not know this API key").waitFor();

  await signIn(page, adminKey);
  await page.waitForURL(`${url}/jobs?status=failed`);
  await page.reload();
  await page.getByText("No job matches").waitFor();
});

test("console - signs out for good", async () => {
  const { url, adminKey } = opened;
  await using tab = await opened.open();
  const { page } = tab;
  await page.goto(url);
  await signIn(page, adminKey);
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("heading", { name: "Sign in to Sallyport" }).waitFor();
  await page.goto(`${url}/primaries`);
  await page.getByRole("heading", { name: "Sign in to Sallyport" }).waitFor();
});

test("console - says that a session has ended, and goes on where it was", async () => {
  const { url, adminKey } = opened;
  await using tab = await opened.open();
  const { page } = tab;
  const { id, key } = await callHub<{ id: string; key: string }>(hub, "POST /api/v1/api-keys", {
    name: "for a moment",
    role: "viewer",
  });
  await page.goto(`${url}/images?client=db1`);
  await signIn(page, key);
  await page.getByText("No image matches").waitFor();
  await callHub(hub, `DELETE /api/v1/api-keys/${id}`);
  await page.getByText("Your session has ended").waitFor();
  await signIn(page, adminKey);
  await page.waitForURL(`${url}/images?client=db1`);
});

test("console - shows what happens in every tab, over one stream for all of them", async () => {
  const { url, adminKey } = opened;
  const enrolled = await enrolPrimary(hub, "nbu-live-01");
  const primary = await dialAs(hub, enrolled);
  await using tab = await opened.open();
  const { page } = tab;
  const streams: Page[] = [];
  page.context().on("request", (request) => {
    if (request.url().includes("/notifications/stream")) streams.push(request.frame().page());
  });
  await page.goto(`${url}/jobs`);
  await signIn(page, adminKey);
  await page.getByText("Live", { exact: true }).waitFor();
  const second = await page.context().newPage();
  await second.goto(`${url}/jobs`);
  await second.getByText("No job matches").waitFor();
  const job = (jobId: number) => ({
    jobId,
    jobType: "BACKUP",
    state: "ACTIVE",
    clientName: `db${jobId}`,
    startTime: 1_795_000_000,
  });
  await report(primary, "JOB", [job(1)]);
  await page.getByRole("row", { name: /db1/ }).waitFor();
  await second.getByRole("row", { name: /db1/ }).waitFor();
  await second.getByText("Live", { exact: true }).waitFor();
  assert.deepEqual(streams, [page]);
  const next = page.context().waitForEvent("request", (request) => request.url().includes("/stream"));
  await page.close();
  assert.equal((await next).frame().page(), second);
  await report(primary, "JOB", [job(2)]);
  await second.getByRole("row", { name: /db2/ }).waitFor();
  await primary.close();
});

test("console - offers to each role what the hub would not refuse, and says what a page needs", async () => {
  const { url, adminKey } = opened;
  const viewer = await callHub<{ key: string }>(hub, "POST /api/v1/api-keys", { name: "v", role: "viewer" });
  const { id } = await enrolPrimary(hub, "nbu-roles-01");
  const seen = async (key: string) => {
    await using tab = await opened.open();
    const { page } = tab;
    await page.goto(`${url}/primaries/${id}`);
    await signIn(page, key);
    await page.getByRole("tab", { name: "Connections" }).waitFor();
    const buttons = await page.getByRole("main").getByRole("button").allTextContents();
    await page.goto(`${url}/users`);
    await page.getByRole("heading", { name: "Users", level: 1 }).waitFor();
    const isRefused = await page.getByText("This page needs the role administrator").isVisible();
    const hasMenu = await page.getByRole("link", { name: "Users" }).isVisible();
    return { buttons, isRefused, hasMenu };
  };
  assert.deepEqual(await seen(viewer.key), { buttons: [], isRefused: true, hasMenu: false });
  assert.deepEqual(await seen(adminKey), {
    buttons: ["Edit", "Rotate the token", "Add an endpoint", "Remove"],
    isRefused: false,
    hasMenu: true,
  });
});

test("console - gives a primary one more endpoint, whose details work once", async () => {
  const { url, adminKey, caPem } = opened;
  const { id } = await enrolPrimary(hub, "nbu-two-01");
  await using tab = await opened.open();
  const { page } = tab;
  await page.goto(`${url}/primaries/${id}`);
  await signIn(page, adminKey);
  await page.getByRole("button", { name: "Add an endpoint" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("textbox", { name: "Group" }).fill("second site");
  await dialog.getByRole("button", { name: "Add" }).click();
  await dialog.getByText("1 to 64 letters").waitFor();
  await dialog.getByRole("textbox", { name: "Group" }).fill("second-site");
  await dialog.getByRole("button", { name: "Add" }).click();
  const address = await dialog.getByRole("textbox", { name: "Details address" }).inputValue();
  const { groupId, priority } = JSON.parse((await get(address, caPem)).body) as EndpointDetails;
  assert.deepEqual({ groupId, priority }, { groupId: "second-site", priority: 2 });
  assert.equal((await get(address, caPem)).status, 404);
  await dialog.getByRole("button", { name: "Done" }).click();
  await page.getByText("group second-site, priority 2").waitFor();
});

test("console - removes a primary only after its name was typed", async () => {
  const { url, adminKey } = opened;
  const { id } = await enrolPrimary(hub, "nbu-gone-01");
  await using tab = await opened.open();
  const { page } = tab;
  await page.goto(`${url}/primaries/${id}`);
  await signIn(page, adminKey);
  await page.getByRole("button", { name: "Remove" }).click();
  const dialog = page.getByRole("dialog");
  const remove = dialog.getByRole("button", { name: "Remove" });
  await dialog.getByRole("textbox").fill("nbu-gone-0");
  assert.ok(await remove.isDisabled());
  await dialog.getByRole("textbox").fill("nbu-gone-01");
  await remove.click();
  await page.waitForURL(`${url}/primaries`);
  await page.getByRole("heading", { name: "Primaries", level: 1 }).waitFor();
  await page.goto(`${url}/primaries/${id}`);
  await page.getByRole("alert").getByText("The primary could not be read").waitFor();
});

test("console - finds one among more primaries than a page has, by name, label and state", async () => {
  const { url, adminKey } = opened;
  for (let number = 0; number < 120; number += 1) {
    await enrolPrimary(hub, `many-${String(number).padStart(3, "0")}`, { site: number === 7 ? "x" : "y" });
  }
  await using tab = await opened.open();
  const { page } = tab;
  await page.goto(`${url}/primaries?q=many`);
  await signIn(page, adminKey);
  await page.getByText("120 primaries, 0 connected, 120 never connected").waitFor();
  await page.getByText("100 primaries so far").waitFor();
  await page.getByRole("button", { name: "Show more" }).click();
  await page.getByText("120 primaries", { exact: true }).waitFor();
  await page.getByLabel("Labels").fill("site=x");
  await page.getByText("1 primary", { exact: true }).waitFor();
  await page.getByRole("link", { name: "many-007" }).waitFor();
  assert.match(page.url(), /label=site%3Dx/);
  await page.getByLabel("Labels").fill("site=nowhere");
  await page.getByText("No primary matches the filters").waitFor();
  await page.getByRole("button", { name: "Clear the filters" }).click();
  await page.getByText("100 primaries so far").waitFor();
});

test("console - keeps what it knows while the hub is gone, and says how old it is", async () => {
  await using own = await startConsole();
  await enrolPrimary({ url: own.url, caPem: own.caPem, key: own.adminKey }, "nbu-oslo-07");
  await using tab = await own.open();
  const { page } = tab;
  await page.goto(`${own.url}/primaries`);
  await signIn(page, own.adminKey);
  const row = page.getByRole("row", { name: /nbu-oslo-07/ });
  await row.waitFor();

  await own.hub.close();
  await page.getByText("Not live").waitFor();
  await page.getByRole("alert").getByText("What is shown here is out of date").waitFor();
  await page.getByText("The hub cannot be reached.").waitFor();
  assert.ok(await row.isVisible());
});
