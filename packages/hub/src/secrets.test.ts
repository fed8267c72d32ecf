import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { adminKey, HubFixture, temporaryFolder } from "./testing/hub-fixture.ts";

test("secrets - are in no log line and in no file of the data folder", async () => {
  await using folder = await temporaryFolder();
  const dataDir = join(folder.path, "data");
  await using fixture = await HubFixture.start({ dataDir });
  const primary = await fixture.enrol();
  const { token } = primary.endpoint;
  const detailsPath = new URL(primary.detailsUrl).pathname;
  const connection = await fixture.dial(primary, () =>
    Promise.resolve({ status: 201, headers: {}, body: '{"token":"answered-jwt-of-a-test"}' }),
  );
  const base = `/api/v1/primaries/${primary.id}/netbackup`;
  await fixture.post(`${base}/login?code=query-secret-of-a-test`, {
    userName: "u",
    password: "password-of-a-test",
  });
  await fixture.call({ path: `${base}/x`, headers: { "X-NetBackup-Authorization": "jwt-of-a-test" } });
  await fixture.call({ path: `${base}/x`, key: "wrong-key-of-a-test" });
  await fixture.call({
    path: "/api/v1/primaries",
    key: null,
    headers: { Cookie: "__Host-sallyport=cookie-of-a-test" },
  });
  const session = await fixture.post("/api/v1/session", { apiKey: adminKey }, { key: null });
  const cookie = /=([^;]+)/.exec(session.headers["set-cookie"]?.[0] ?? "")?.[1] ?? "";
  await fixture.post("/api/v1/session", { apiKey: "wrong-login-of-a-test", more: "x" }, { key: null });
  await fixture.call({ path: detailsPath, key: null });
  await fixture.call({ path: detailsPath, key: null });
  const wrong = { ...primary, endpoint: { ...primary.endpoint, token: "wrong-token-of-a-test" } };
  await assert.rejects(fixture.dial(wrong));
  await connection.close();
  await fixture.hub.close();
  const secrets = [
    token,
    detailsPath.split("/").at(-1) ?? "",
    cookie,
    adminKey,
    "query-secret-of-a-test",
    "password-of-a-test",
    "answered-jwt-of-a-test",
    "jwt-of-a-test",
    "wrong-key-of-a-test",
    "cookie-of-a-test",
    "wrong-login-of-a-test",
    "wrong-token-of-a-test",
  ];
  const kept = [];
  for (const name of await readdir(dataDir)) {
    if (name.includes("sqlite")) kept.push(await readFile(join(dataDir, name), "latin1"));
  }
  assert.ok(kept.length >= 3 && fixture.log.lines.length > 5);
  for (const secret of secrets) {
    assert.ok(
      secret.length > 8 && !fixture.log.text.includes(secret),
      `${secret.slice(0, 12)} is in the log`,
    );
    assert.ok(!kept.some((content) => content.includes(secret)), `${secret.slice(0, 12)} is in a file`);
  }
});
