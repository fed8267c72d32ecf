// Webhooks in the console, with a real receiver on loopback that verifies what comes.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { text } from "node:stream/consumers";
import { Webhook as StandardWebhook } from "standardwebhooks";
import type { CreatedWebhook } from "@sallyport/hub";
import { excessWidthOf, faultsOf, wide } from "./kit/axe.ts";
import { signIn, startConsole } from "./kit/console.ts";
import { callHub, dialAs, enrolPrimary, report, type HubAddress } from "./kit/fleet.ts";
import { startTlsServer, type TlsServer } from "./kit/tls-server.ts";

let opened: Awaited<ReturnType<typeof startConsole>>;
let hub: HubAddress;
let receiver: TlsServer;
/** What the receiver answers, and what came. */
let answer = { status: 200, body: "" };
const received: { type: string; body: string; headers: Record<string, string> }[] = [];

before(async () => {
  receiver = await startTlsServer((request, response) => {
    void text(request).then((body) => {
      const headers = Object.fromEntries(
        Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
      );
      received.push({ type: (JSON.parse(body) as { type: string }).type, body, headers });
      response.writeHead(answer.status).end(answer.body);
    });
  });
  opened = await startConsole({ webhooks: { allowedNetworks: ["127.0.0.0/8"], ca: receiver.caPem } });
  hub = { url: opened.url, caPem: opened.caPem, key: opened.adminKey };
});
after(async () => {
  await opened[Symbol.asyncDispose]();
  await receiver.stop();
});

const verifies = (secret: string, index: number) => {
  const one = received.at(index);
  assert.ok(one !== undefined);
  new StandardWebhook(secret).verify(one.body, one.headers);
};

test("console webhooks - are added, tried, edited, stopped, replayed, given a new secret, and removed", async () => {
  const { url, adminKey } = opened;
  const enrolled = await enrolPrimary(hub, "nbu-hooks-01");
  const primary = await dialAs(hub, enrolled);
  await using tab = await opened.open({ viewport: wide });
  const { page } = tab;
  await page.goto(`${url}/webhooks`);
  await signIn(page, adminKey);
  await page.getByText("There is no webhook").waitFor();
  const faults = await faultsOf(page, "no webhook");

  await page.getByRole("button", { name: "Add a webhook" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("textbox", { name: "Address" }).fill("ops.example");
  await dialog.getByRole("button", { name: "Add" }).click();
  await dialog.getByText("A whole address, such as").waitFor();
  await dialog.getByRole("textbox", { name: "Address" }).fill(`${receiver.origin}/hook`);
  await dialog.getByRole("textbox", { name: "What it is for" }).fill("the pager of the night shift");
  await dialog.getByLabel("Events").fill("netbackup.job");
  await page.keyboard.press("Enter");
  await page.keyboard.press("Tab");
  faults.push(...(await faultsOf(page, "adding")));
  await dialog.getByRole("button", { name: "Add" }).click();
  const secret = await dialog.getByRole("textbox", { name: "Secret" }).inputValue();
  assert.match(secret, /^whsec_/);
  faults.push(...(await faultsOf(page, "the secret")));
  await dialog.getByRole("button", { name: "Done" }).click();
  await dialog.waitFor({ state: "hidden" });
  assert.ok(!(await page.content()).includes(secret));

  await page.getByRole("link", { name: "the pager of the night shift" }).click();
  await page.getByRole("heading", { name: "the pager of the night shift", level: 1 }).waitFor();
  await page.getByText("Nothing was sent yet").waitFor();
  answer = { status: 200, body: "noted <b>by</b> the pager" };
  await page.getByRole("button", { name: "Send a test event" }).click();
  await page.getByText("The test event was delivered").waitFor();
  await page.getByText("noted <b>by</b> the pager").first().waitFor();
  assert.equal(received.at(-1)?.type, "sallyport.webhook.test");
  verifies(secret, -1);

  const job = { jobId: 1, jobType: "BACKUP", state: "ACTIVE", startTime: 1_795_000_000 };
  await report(primary, "JOB", [job]);
  const row = page.getByRole("row", { name: /netbackup\.job\.active/ });
  await row.getByText("delivered", { exact: true }).waitFor();
  await row.getByText("200").waitFor();
  const position = Number(await row.getByRole("cell").first().textContent());
  faults.push(...(await faultsOf(page, "deliveries")));
  await row.getByRole("button", { name: `Show the delivery of position ${position}` }).click();
  await dialog.getByText("responseBody").waitFor();
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "hidden" });
  const before = received.length;
  const resent = page.waitForResponse((response) => response.url().endsWith("/redeliver") && response.ok());
  await row.getByRole("button", { name: `Send again: position ${position}` }).click();
  await resent;

  await page.getByRole("button", { name: "Send a range again" }).click();
  await dialog.getByRole("textbox", { name: "From position" }).fill(String(position));
  await dialog.getByRole("textbox", { name: "To position" }).fill(String(position - 1));
  await dialog.getByRole("button", { name: "Send again" }).click();
  await dialog.getByText("Not before the first one").waitFor();
  await dialog.getByRole("textbox", { name: "To position" }).fill(String(position));
  faults.push(...(await faultsOf(page, "replaying")));
  await dialog.getByRole("button", { name: "Send again" }).click();
  await dialog.getByText("1 event is sent once more").waitFor();
  await dialog.getByRole("button", { name: "Done" }).click();
  await dialog.waitFor({ state: "hidden" });

  await page.getByRole("button", { name: "Rotate the secret" }).click();
  await dialog.getByRole("combobox", { name: "The old secret signs" }).click();
  await page.getByRole("option", { name: "not any more" }).click();
  await dialog.getByRole("button", { name: "Rotate" }).click();
  const next = await dialog.getByRole("textbox", { name: "Secret" }).inputValue();
  assert.notEqual(next, secret);
  await dialog.getByRole("button", { name: "Done" }).click();
  await dialog.waitFor({ state: "hidden" });
  const tested = page.waitForResponse((response) => response.url().endsWith("/test") && response.ok());
  await page.getByRole("button", { name: "Send a test event" }).click();
  await tested;
  assert.ok(received.length > before + 1);
  verifies(next, -1);
  assert.throws(() => verifies(secret, -1));

  await page.getByRole("button", { name: "Edit" }).click();
  await dialog.getByRole("textbox", { name: "What it is for" }).fill("the wall display");
  await dialog.getByRole("combobox", { name: "Only these primaries" }).fill("hooks");
  await page.getByRole("option", { name: "nbu-hooks-01" }).click();
  await page.keyboard.press("Tab");
  await dialog.getByRole("button", { name: "Save" }).click();
  await page.getByRole("heading", { name: "the wall display", level: 1 }).waitFor();
  await page.getByText("nbu-hooks-01").first().waitFor();

  await page.getByRole("button", { name: "Disable" }).click();
  await page.getByText("disabled", { exact: true }).waitFor();
  await report(primary, "JOB", [{ ...job, state: "DONE", status: 0 }]);
  await page
    .getByRole("row", { name: /netbackup\.job\.done/ })
    .getByText("pending")
    .waitFor();
  await page.getByRole("button", { name: "Enable" }).click();
  await page
    .getByRole("row", { name: /netbackup\.job\.done/ })
    .getByText("delivered")
    .waitFor();

  await page.getByRole("button", { name: "Remove" }).click();
  await dialog.getByText("Its secret is void").waitFor();
  faults.push(...(await faultsOf(page, "removing")));
  await dialog.getByRole("button", { name: "Remove" }).click();
  await page.waitForURL(`${url}/webhooks`);
  await page.getByText("There is no webhook").waitFor();
  assert.equal(faults.join("\n"), "");
  await primary.close();
});

test("console webhooks - say what a receiver objects to, and what to do when it is gone", async () => {
  const { url, adminKey } = opened;
  const enrolled = await enrolPrimary(hub, "nbu-hooks-02");
  const primary = await dialAs(hub, enrolled);
  const { id } = await callHub<CreatedWebhook>(hub, "POST /api/v1/webhooks", {
    url: `${receiver.origin}/hook`,
    types: ["netbackup.job"],
  });
  await using tab = await opened.open({ viewport: wide });
  const { page } = tab;
  await page.goto(`${url}/webhooks/${id}`);
  await signIn(page, adminKey);
  answer = { status: 503, body: "down for the night" };
  await page.getByRole("button", { name: "Send a test event" }).click();
  await page.getByText("The test event was not delivered").waitFor();
  await page.getByText("down for the night").waitFor();
  const faults = await faultsOf(page, "a failed test");
  answer = { status: 410, body: "" };
  await report(primary, "JOB", [{ jobId: 9, jobType: "BACKUP", state: "ACTIVE", startTime: 1_795_000_000 }]);
  await page.getByText("The hub has disabled it: gone").waitFor();
  await page.getByText("Remove the webhook, or give it another address").waitFor();
  faults.push(...(await faultsOf(page, "gone")));
  await page.setViewportSize({ width: 400, height: 800 });
  await page.getByRole("list", { name: "deliveries" }).getByText("410").first().waitFor();
  assert.equal(await excessWidthOf(page), 0);
  await page.goto(`${url}/webhooks/unknown`);
  await page.getByRole("alert").getByText("The webhook could not be read").waitFor();
  assert.equal(faults.join("\n"), "");
  await primary.close();
});

test("console webhooks - an operator tries and replays, a viewer is told what the page needs", async () => {
  const { url } = opened;
  const { id } = await callHub<CreatedWebhook>(hub, "POST /api/v1/webhooks", {
    url: `${receiver.origin}/hook`,
  });
  const key = async (role: string) =>
    (await callHub<{ key: string }>(hub, "POST /api/v1/api-keys", { name: `hooks ${role}`, role })).key;
  await using operator = await opened.open();
  await operator.page.goto(`${url}/webhooks/${id}`);
  await signIn(operator.page, await key("operator"));
  await operator.page.getByRole("button", { name: "Send a test event" }).waitFor();
  const actions = operator.page.getByRole("main").getByRole("button");
  assert.deepEqual(await actions.allTextContents(), ["Send a test event", "Send a range again"]);
  await using viewer = await opened.open();
  await viewer.page.goto(`${url}/webhooks/${id}`);
  await signIn(viewer.page, await key("viewer"));
  await viewer.page.getByText("This page needs the role operator; you are signed in as viewer").waitFor();
});
