// Peers that mean harm: what they send is refused or contained, both processes live, and honest work goes on.
import assert from "node:assert/strict";
import { randomBytes, randomUUID } from "node:crypto";
import { once } from "node:events";
import { test } from "node:test";
import { WebSocket } from "ws";
import { testBothWays } from "./kit/both-ways.ts";
import { ended } from "./kit/ended.ts";
import { temporaryFolder } from "./kit/folder.ts";
import { openGuardRules, password, Site } from "./kit/site.ts";

const message = (type: string, subType: string, payload: unknown) =>
  JSON.stringify({ version: "1.0", id: randomUUID(), type, subType, timeStamp: 1, payload });

async function open(site: Site): Promise<{ socket: WebSocket; closed: Promise<unknown> }> {
  const socket = new WebSocket(`wss://127.0.0.1:${site.hubPort}/nbwss`, { ca: site.hub.caPem });
  // How it ends is seen by `close`.
  socket.on("error", () => socket.terminate());
  await once(socket, "open");
  return { socket, closed: ended(socket) };
}

/** Both live, nothing was logged as a failure, and a command still goes through. */
async function stillWell(site: Site): Promise<void> {
  const { status } = await site.client.gateway(site.primaryId, { method: "GET", path: "/netbackup/ping" });
  assert.equal(status, 200);
  const failures = [...site.hub.log, ...site.primary.log].filter((line) => /"level":[56]0/.test(line));
  assert.deepEqual(failures, []);
}

test("hostile - rude strangers are closed, and lock nobody else out", async () => {
  await using site = await Site.start();
  const openings: (string | Buffer)[] = [
    randomBytes(200).toString("latin1"),
    randomBytes(100),
    "[".repeat(100_000),
    '{"__proto__":{"version":"1.0"},"constructor":1}',
    message("CONNECT", "REQUEST", { token: randomUUID() }),
    message("COMMAND", "RESPONSE", { status: 200 }),
  ];
  for (let round = 0; round < 10; round += 1) {
    for (const opening of openings) {
      const { socket, closed } = await open(site);
      socket.send(opening);
      // A refused token is answered first; a primary then closes by itself.
      socket.once("message", () => socket.close());
      await closed;
    }
  }
  const { endpoint } = await site.client.addPrimary({ name: "honest" });
  const { socket, closed } = await open(site);
  socket.send(message("CONNECT", "REQUEST", { token: endpoint.token }));
  const [answer] = (await once(socket, "message")) as [Buffer];
  assert.match(answer.toString(), /"valid":true/);
  socket.close();
  await closed;
  await stillWell(site);
});

testBothWays(
  "hostile - a primary's forged answers and flood of notifications touch nobody else",
  async () => {
    await using site = await Site.start();
    const evil = await site.client.addPrimary({ name: "evil" });
    const { socket, closed } = await open(site);
    socket.send(message("CONNECT", "REQUEST", { token: evil.endpoint.token }));
    await once(socket, "message");
    const flood = 2_000;
    const allAcknowledged = Promise.withResolvers<void>();
    let acknowledged = 0;
    socket.on("message", () => {
      acknowledged += 1;
      if (acknowledged === flood) allAcknowledged.resolve();
    });
    for (let jobId = 0; jobId < flood; jobId += 1) {
      socket.send(message("COMMAND", "RESPONSE", { status: 200, headers: {}, body: "forged" }));
      const item = { jobId, state: "DONE", filler: "y".repeat(200) };
      socket.send(
        message("NOTIFICATION", "REQUEST", [{ notificationType: "INFO", object: "JOB", data: [item] }]),
      );
    }
    await allAcknowledged.promise;
    const first = await site.client.notifications(0, evil.id);
    const second = await site.client.notifications(first.next, evil.id);
    assert.equal(first.data.length + second.data.length, flood);
    assert.deepEqual(await site.notifications(), []);
    socket.send(message("CONNECT", "REQUEST", { token: evil.endpoint.token }));
    await closed;
    await stillWell(site);
  },
);

const paths = [
  "/netbackup/%2e%2e/x",
  "/netbackup/admin/jobs?filter=jobId%20eq%20",
  "/netbackup/admin/jobs?page[limit]=-1",
  "/netbackup/admin/jobs/99999999999999999999",
  "/netbackup/catalog/images/%00",
  "/netbackup/config/policies/%2Fetc",
  "/netbackup/recovery/workloads/physical/scenarios/granular-files-folders/recover",
  "/netbackup/catalog/images/update-expiration-date",
  "/netbackup/admin/manual-backup",
  "/netbackup/login",
  "/netbackup/config/servers/wssendpoints/save",
];
const bodies = [
  "",
  "{",
  "null",
  "[]",
  '{"data":null}',
  '{"data":{"type":"backupRequest","attributes":{"policyName":"--help"}}}',
  '{"data":{"type":"byBackupId","attributes":{"backupId":"-x","date":"now"}}}',
  '{"__proto__":{"data":1}}',
  "\u0000\u0001",
  "x".repeat(1_500_000),
];

testBothWays(
  "hostile - whatever is called with whatever body is refused with an error body, never with 5xx",
  async () => {
    using folder = temporaryFolder();
    await using site = await Site.start(undefined, ["--guard-rules", openGuardRules(folder.path)]);
    const headers = { "content-type": "application/vnd.netbackup+json;version=12.0" };
    const login = await site.client.gateway(site.primaryId, {
      method: "POST",
      path: "/netbackup/login",
      headers,
      body: JSON.stringify({ userName: "backupadmin", password }),
    });
    const { token } = JSON.parse(login.text) as { token: string };
    for (const path of paths) {
      for (const body of bodies) {
        for (const method of ["GET", "POST", "PUT", "DELETE"] as const) {
          const answer = await site.client.gateway(site.primaryId, {
            method,
            path,
            headers,
            authorization: token,
            ...(body === "" ? {} : { body }),
          });
          const what = `${method} ${path} ${body.slice(0, 60)}: ${answer.status} ${answer.text.slice(0, 200)}`;
          assert.ok((answer.status >= 400 && answer.status < 500) || answer.status === 501, what);
          assert.match(answer.text, /"errorMessage":"/, what);
        }
      }
    }
    await stillWell(site);
  },
);
