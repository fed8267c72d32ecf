import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { copyFile, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { connect } from "node:tls";
import { ensureServerCertificate } from "@sallyport/certificates";
import { ManualClock } from "@sallyport/nbwss/testing";
import { parseExposition } from "../testing/exposition.ts";
import { HubFixture, temporaryFolder } from "../testing/hub-fixture.ts";

const dayMs = 86_400_000;

/** The certificate that a new connection gets; its end and issuer are not looked at. */
async function shown(fixture: HubFixture): Promise<X509Certificate> {
  const { hostname, port } = new URL(fixture.url);
  const socket = connect({ host: hostname, port: Number(port), rejectUnauthorized: false });
  try {
    await once(socket, "secureConnect");
    const certificate = socket.getPeerX509Certificate();
    assert.ok(certificate !== undefined);
    return certificate;
  } finally {
    socket.destroy();
  }
}

/** Two certificates of one authority, the first of them in use. */
async function certificates(dir: string) {
  const make = (names: string[]) =>
    ensureServerCertificate({ dir: join(dir, "made"), owner: "test", hostNames: names, nowMs: Date.now() });
  const first = await make(["127.0.0.1"]);
  const second = await make(["127.0.0.1", "other.example"]);
  const [certFile, keyFile] = [join(dir, "server.pem"), join(dir, "server.key")];
  const use = async ({ certPem, keyPem }: { certPem: string; keyPem: string }) => {
    for (const [file, pem] of [
      [keyFile, keyPem],
      [certFile, certPem],
    ] as const) {
      await writeFile(`${file}.new`, pem, { mode: 0o600 });
      await rename(`${file}.new`, file);
    }
  };
  await use(first);
  const fingerprint = (pem: string) => new X509Certificate(pem).fingerprint256;
  return {
    first: fingerprint(first.certPem),
    second: fingerprint(second.certPem),
    tls: { certFile, keyFile },
    caFile: first.caFile,
    useSecond: () => use(second),
  };
}

test("tls - a certificate that is replaced counts for new connections at once, and those there are live on", async () => {
  await using folder = await temporaryFolder();
  const { first, second, tls, caFile, useSecond } = await certificates(folder.path);
  await using fixture = await HubFixture.start({ limits: { tlsSettleMs: 10 } }, { tls, caFile });
  const primary = await fixture.enrol();
  const connection = await fixture.dial(primary, () =>
    Promise.resolve({ status: 200, headers: {}, body: "here" }),
  );
  assert.equal((await shown(fixture)).fingerprint256, first);
  const reloaded = fixture.log.next("tls.reloaded");
  await useSecond();
  assert.equal((await reloaded)["fingerprint256"], second);
  assert.equal((await shown(fixture)).fingerprint256, second);
  assert.ok(connection.isOpen);
  const answer = await fixture.call({ path: `/api/v1/primaries/${primary.id}/netbackup/ping` });
  assert.equal(answer.text, "here");
});

test("tls - one that can't be used is logged, the former stays, and is replaced as soon as it can be", async () => {
  await using folder = await temporaryFolder();
  const { first, second, tls, caFile, useSecond } = await certificates(folder.path);
  const clock = new ManualClock(Date.now());
  await using fixture = await HubFixture.start({ clock }, { tls, caFile });
  const key = await readFile(tls.keyFile, "utf8");
  await copyFile(join(folder.path, "made", "server.pem"), tls.certFile);
  await fixture.hub.reloadCertificate();
  await writeFile(tls.certFile, "no certificate");
  await fixture.hub.reloadCertificate();
  await writeFile(tls.keyFile, "");
  await fixture.hub.reloadCertificate();
  const failures = fixture.log.all("tls.not_reloaded");
  assert.equal(failures.length, 3);
  assert.match(JSON.stringify(failures[0]), /the TLS key does not belong to the certificate/);
  assert.match(JSON.stringify(failures[1]), /the TLS certificate is no usable PEM/);
  assert.ok(!fixture.log.text.includes(key.split("\n")[1] ?? key));
  assert.equal((await shown(fixture)).fingerprint256, first);
  await useSecond();
  // The regular check finds it, whatever the file system has told.
  const reloaded = fixture.log.next("tls.reloaded");
  clock.advance(60_000);
  await reloaded;
  assert.equal((await shown(fixture)).fingerprint256, second);
  const families = parseExposition((await fixture.call({ path: "/metrics" })).text);
  const samples = families.get("sallyport_hub_tls_reloads_total")?.samples ?? [];
  const results = samples.map(({ labels, value }) => `${labels["result"]} ${value}`);
  assert.deepEqual(
    results.sort((a, b) => a.localeCompare(b)),
    ["failed 3", "taken 1"],
  );
});

test("tls - the hub's own certificate is renewed before its end while it runs, and its end is a metric", async () => {
  const clock = new ManualClock(Date.now());
  await using fixture = await HubFixture.start({ clock });
  const before = await shown(fixture);
  const endInMetrics = async () => {
    const families = parseExposition(await fixture.hub.metrics.text());
    return families.get("sallyport_hub_tls_certificate_expiry_seconds")?.samples[0]?.value;
  };
  assert.equal(await endInMetrics(), before.validToDate.getTime() / 1000);
  const reloaded = fixture.log.next("tls.reloaded");
  clock.advance(before.validToDate.getTime() - clock.now() - 29 * dayMs);
  await reloaded;
  const after = await shown(fixture);
  assert.ok(after.validToDate.getTime() > before.validToDate.getTime() + 300 * dayMs);
  assert.ok(after.verify(new X509Certificate(fixture.ca).publicKey), "by the same authority");
  assert.equal(await endInMetrics(), after.validToDate.getTime() / 1000);
});

test("tls - a hub does not start with files that can't be used, and speaks nothing below TLS 1.2", async () => {
  await using folder = await temporaryFolder();
  const { tls, caFile } = await certificates(folder.path);
  await using fixture = await HubFixture.start({}, { tls, caFile });
  const { hostname, port } = new URL(fixture.url);
  const old = { minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" } as const;
  const socket = connect({ host: hostname, port: Number(port), rejectUnauthorized: false, ...old });
  const [error] = (await once(socket, "error")) as [NodeJS.ErrnoException];
  assert.match(String(error.code), /ALERT_PROTOCOL_VERSION/);
  await assert.rejects(HubFixture.start({}, { tls: { ...tls, keyFile: "/nonexistent" }, caFile }), {
    code: "bad_option",
  });
});
