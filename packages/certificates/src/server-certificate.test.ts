import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { connect } from "node:tls";
import { describeCertificate, ensureServerCertificate } from "./index.ts";

const nowMs = Date.parse("2026-11-24T00:00:00Z");

async function inFolder(body: (dir: string) => Promise<void>): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), "sallyport-certificates-"));
  try {
    await body(join(dir, "tls"));
  } finally {
    await rm(dir, { recursive: true });
  }
}

const options = (dir: string, hostNames = ["localhost", "127.0.0.1"], at = Date.now()) => ({
  dir,
  owner: "Sallyport test",
  hostNames,
  nowMs: at,
});

test("certificates - a TLS client that trusts ca.pem verifies the server by name and by address", () =>
  inFolder(async (dir) => {
    const made = await ensureServerCertificate(options(dir));
    const server = createServer({ cert: made.certPem, key: made.keyPem }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    try {
      for (const servername of ["localhost", ""]) {
        const socket = connect({ host: "127.0.0.1", port, servername, ca: made.caPem });
        await once(socket, "secureConnect");
        assert.equal(socket.authorized, true);
        socket.destroy();
      }
      const stranger = connect({ host: "127.0.0.1", port, servername: "other.example", ca: made.caPem });
      const [error] = (await once(stranger, "error")) as [NodeJS.ErrnoException];
      assert.equal(error.code, "ERR_TLS_CERT_ALTNAME_INVALID");
    } finally {
      server.close();
      server.closeAllConnections();
    }
  }));

test("certificates - a second start finds the same certificate, keys are readable by their owner only", () =>
  inFolder(async (dir) => {
    const first = await ensureServerCertificate(options(dir));
    assert.deepEqual(await ensureServerCertificate(options(dir)), first);
    for (const name of ["ca.key", "server.key"]) {
      assert.equal((await stat(join(dir, name))).mode & 0o777, 0o600, name);
    }
  }));

test("certificates - a new name or a near end makes a new server certificate from the same authority", () =>
  inFolder(async (dir) => {
    const first = await ensureServerCertificate(options(dir, ["localhost"], nowMs));
    const wider = await ensureServerCertificate(options(dir, ["localhost", "hub1.cloud.example"], nowMs));
    assert.notEqual(wider.certPem, first.certPem);
    assert.equal(wider.caPem, first.caPem);
    const later = nowMs + 380 * 86_400_000;
    const renewed = await ensureServerCertificate(options(dir, ["localhost"], later));
    assert.ok(new X509Certificate(renewed.certPem).validToDate.getTime() > later + 300 * 86_400_000);
  }));

test("certificates - a damaged file is an error and is not overwritten", () =>
  inFolder(async (dir) => {
    await ensureServerCertificate(options(dir));
    await writeFile(join(dir, "server.pem"), "garbage");
    await assert.rejects(ensureServerCertificate(options(dir)));
    assert.equal(await readFile(join(dir, "server.pem"), "utf8"), "garbage");
  }));

test("certificates - the description names subject and fingerprints", () =>
  inFolder(async (dir) => {
    const made = await ensureServerCertificate(options(dir, ["hub1.cloud.example"], nowMs));
    const description = describeCertificate(made.certPem);
    assert.equal(description.subject, "CN=hub1.cloud.example");
    assert.equal(description.issuer, "CN=Sallyport test authority");
    assert.match(description.sha256Fingerprint, /^([0-9A-F]{2}:){31}[0-9A-F]{2}$/);
    assert.match(description.sha1Fingerprint, /^([0-9A-F]{2}:){19}[0-9A-F]{2}$/);
  }));
