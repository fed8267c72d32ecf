import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { join } from "node:path";
import test, { after, before } from "node:test";
import { credentials, startTestPrimary, temporaryFolder, type TestPrimary } from "../testing/test-primary.ts";

type Json = Record<string, unknown>;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let primary: TestPrimary;
const clock = { now: Date.parse("2026-01-01T00:00:00Z"), nowMs: () => clock.now };
const noToken = { authorization: "" };

before(async () => {
  folder = await temporaryFolder();
  primary = await startTestPrimary(join(folder.path, "data"), { clock });
});
after(async () => {
  await primary[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

const attributesOf = (body: unknown) => (body as { data: { id: string; attributes: Json } }).data.attributes;
const listOf = (body: unknown) => (body as { data: { id: string; attributes: Json }[] }).data;
const creation = (attributes: object) => ({ body: { data: { type: "apiKeyCreationRequest", attributes } } });

test("api keys - are made once for a user, authenticate in every form, log in as a password, and end", async () => {
  const keys = "/security/api-keys";
  const made = await primary.expect(
    201,
    `POST ${keys}`,
    creation({ expireAfterDays: "P10D", description: "ci" }),
  );
  const { id } = (made.body as { data: { id: string } }).data;
  const key = String(attributesOf(made.body)["apiKey"]);
  assert.equal(key.length, 64);
  assert.equal(made.headers["location"], `/netbackup/security/api-keys/${encodeURIComponent(id)}`);
  await primary.expect(409, `POST ${keys}`, creation({ expireAfterDays: "P10D" }));
  await primary.expect(400, `POST ${keys}`, creation({ expireAfterDays: "P0D" }));
  await primary.expect(400, `POST ${keys}`, creation({ expireAfterDays: "P1D", userName: "nobody" }));
  await primary.expect(415, `POST ${keys}`, { body: "{}", headers: { "content-type": "text/plain" } });

  const forms = [{ authorization: key }, { authorization: `Bearer ${key}` }];
  for (const headers of forms) await primary.expect(200, "/admin/jobs", { headers });
  await primary.expect(401, "/admin/jobs", { headers: { authorization: `${key}x` } });
  await primary.expect(401, "POST /logout", { headers: { authorization: key } });
  await primary.expect(401, `POST ${keys}`, {
    ...creation({ expireAfterDays: "P1D" }),
    headers: { authorization: key },
  });
  const login = { userName: id, password: key, domainType: "VX", domainName: "vrts.apikey" };
  await primary.expect(201, "POST /login", { body: login });
  await primary.expect(401, "POST /login", { body: { ...login, password: "wrong" } });
  await primary.expect(401, "POST /login", { body: { ...login, domainName: "vrts.mfa.totp" } });

  const one = `${keys}/${encodeURIComponent(id)}`;
  const shown = await primary.expect(200, one);
  assert.equal(attributesOf(shown.body)["userName"], credentials.userName);
  assert.ok(!shown.text.includes(key));
  assert.equal(attributesOf(shown.body)["expiryDateTime"], "2026-01-11T00:00:00.000Z");
  const update = { data: { type: "apiKeyUpdateRequest", id, attributes: { expireAfterDays: "P2D" } } };
  await primary.expect(204, `PATCH ${one}`, { body: update });
  const list = await primary.expect(
    200,
    `${keys}?filter=userName+eq+'${credentials.userName}'&sort=-expiryDateTime`,
  );
  assert.deepEqual(
    listOf(list.body).map((item) => item.id),
    [id],
  );
  await primary.expect(400, `${keys}?filter=key_hash+eq+'x'`);
  await primary.expect(404, `${keys}/missing`);

  clock.now += 3 * 86_400_000;
  await primary.expect(401, "/admin/jobs", { headers: { authorization: key } });
  await primary.logIn();
  const again = await primary.expect(201, `POST ${keys}`, creation({ expireAfterDays: "P10D" }));
  const next = (again.body as { data: { id: string } }).data.id;
  const nextKey = String(attributesOf(again.body)["apiKey"]);
  const reissue = {
    data: { type: "apiKeyReissueRequest", id: next, attributes: { expireAfterDays: "P1D" } },
  };
  const reissued = await primary.expect(201, `POST ${keys}/${next}/reissue`, { body: reissue });
  await primary.expect(400, `POST ${keys}/${next}/reissue`, { body: reissue });
  await primary.expect(401, "/admin/jobs", { headers: { authorization: nextKey } });
  const last = (reissued.body as { data: { id: string } }).data.id;
  const lastKey = { authorization: String(attributesOf(reissued.body)["apiKey"]) };
  await primary.expect(200, "/admin/jobs", { headers: lastKey });
  const revoke = { data: { type: "apiKeyRevokeRequest", id: last, attributes: {} } };
  await primary.expect(204, `PATCH ${keys}/${last}/revoke`, { body: revoke });
  await primary.expect(401, "/admin/jobs", { headers: lastKey });
  await primary.expect(204, `DELETE ${keys}/${last}`);
  await primary.expect(404, `DELETE ${keys}/${last}`);
});

test("login - in every spelling of the domain that clients use", async () => {
  for (const domain of [
    {},
    { domainType: "", domainName: "" },
    { domainType: "nt", domainName: "CORP" },
    { domainType: "NT" },
    { domainType: "unixpwd", domainName: "host" },
    { domainType: "vx", domainName: null },
    { domainType: "ldap", domainName: "x" },
    { domainType: "WINDOWS" },
  ]) {
    await primary.expect(201, "POST /login", { body: { ...credentials, ...domain } });
  }
});

test("sessions - are told, and end all at once", async () => {
  const context = await primary.expect(200, "/authorization-context");
  assert.match(String(attributesOf(context.body)["subject"]), /:backupadmin:unixpwd$/);
  await primary.expect(200, "/self-profile");
  const list = await primary.expect(200, "/user-sessions?page[limit]=2");
  assert.equal(listOf(list.body).length, 2);
  assert.equal(attributesOf({ data: listOf(list.body)[0] })["userName"], credentials.userName);
  await primary.expect(204, "DELETE /user-sessions");
  await primary.expect(401, "/user-sessions");
  await primary.logIn();
  assert.equal(listOf((await primary.expect(200, "/user-sessions")).body).length, 1);
});

test("trust - authority, time and name are told without a token, in the form of the version", async () => {
  const cacert = await primary.expect(200, "/security/cacert", { headers: noToken });
  const [root] = (cacert.body as { webRootCertificateData: { caCert: string; caCertDetails: Json }[] })
    .webRootCertificateData;
  assert.equal(root?.caCert, primary.listener.certificate?.caPem);
  assert.equal(
    root?.caCertDetails["sha-256Fingerprint"],
    new X509Certificate(root?.caCert ?? "").fingerprint256,
  );
  const headers = { ...noToken, accept: "application/vnd.netbackup+json;version=2.0" };
  const old = await primary.expect(200, "/security/cacert", { headers });
  assert.deepEqual(old.body, { webRootCert: root?.caCert, cacert: [root?.caCert] });
  await primary.expect(200, "/security/serverinfo", { headers: noToken });
  const time = await primary.expect(200, "/security/servertime", { headers: noToken });
  assert.equal((time.body as Json)["serverTime"], clock.now);
  assert.equal((await primary.expect(200, "/security/ping", { headers: noToken })).body, clock.now);
  await primary.expect(405, "POST /security/ping", { headers: noToken });
});

test("audit - records what changes something, with the caller's reason, and nothing that is refused", async () => {
  const headers = { "x-netbackup-audit-reason": "no%20longer%20needed" };
  await primary.createPolicy("audited", ["/a"]);
  await primary.expect(204, "DELETE /config/policies/audited", { headers });
  await primary.expect(404, "DELETE /config/policies/audited");
  const path = "/security/auditlogs?filter=category+eq+'POLICY'&sort=auditDateTime,messageId";
  const list = await primary.expect(200, path);
  assert.deepEqual(
    listOf(list.body).map(({ attributes }) => [
      attributes["operation"],
      attributes["message"],
      attributes["reason"],
    ]),
    [
      ["CREATE", "POST /config/policies by backupadmin", ""],
      ["DELETE", "DELETE /config/policies/audited by backupadmin", "no longer needed"],
    ],
  );
  const [first] = listOf(list.body);
  await primary.expect(200, `/security/auditlogs/${first?.id}`);
  await primary.expect(404, "/security/auditlogs/x");
  await primary.expect(404, "/security/auditlogs/999999");
  const logins = await primary.expect(200, "/security/auditlogs?filter=category+eq+LOGIN&page[limit]=100");
  assert.match(logins.text, /by API key/);
  assert.ok(!logins.text.includes(credentials.password));
});
