// `sallyport hub` as a process: its settings from a file, its certificate on SIGHUP, its log behind a reader that has stopped reading.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { connect } from "node:tls";
import { ensureServerCertificate } from "@sallyport/certificates";
import { HubClient } from "@sallyport/cli";
import { temporaryFolder } from "./kit/folder.ts";
import { startServer } from "./kit/sallyport.ts";
import { adminKey } from "./kit/site.ts";

const main = join(import.meta.dirname, "..", "packages", "cli", "src", "main.ts");
const env = { SALLYPORT_ADMIN_KEY: adminKey };

async function fingerprintOf(url: string): Promise<string | undefined> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), rejectUnauthorized: false });
  await once(socket, "secureConnect");
  const fingerprint = socket.getPeerX509Certificate()?.fingerprint256;
  socket.destroy();
  return fingerprint;
}

test("hub process - takes its settings from a file, and on SIGHUP another certificate", async () => {
  using folder = temporaryFolder();
  const made = join(folder.path, "made");
  const use = async (...hostNames: string[]) => {
    const { certPem } = await ensureServerCertificate({
      dir: made,
      owner: "test",
      hostNames,
      nowMs: Date.now(),
    });
    for (const name of ["server.key", "server.pem"]) copyFileSync(join(made, name), join(folder.path, name));
    return new X509Certificate(certPem).fingerprint256;
  };
  const first = await use("127.0.0.1");
  const config = join(folder.path, "hub.yaml");
  const text = [
    "data: data",
    "listen: 127.0.0.1:0",
    "tls:\n  cert: server.pem\n  key: server.key",
    // Only the signal is to count here.
    "limits:\n  tlsSettleMs: 100000000\n  tlsCheckMs: 100000000",
  ];
  writeFileSync(config, text.join("\n"));
  await using hub = await startServer(["hub", "--config", config], env);
  assert.equal(await fingerprintOf(hub.url), first);
  const second = await use("127.0.0.1", "other.example");
  process.kill(hub.pid, "SIGHUP");
  await hub.logged("tls.reloaded");
  assert.equal(await fingerprintOf(hub.url), second);
  assert.equal(await hub.stop(), 0);
});

test("hub process - answers while nobody reads its log, and has all lines for whoever reads them later", async () => {
  using folder = temporaryFolder();
  const child = spawn(
    process.execPath,
    [main, "hub", "--data", join(folder.path, "hub"), "--listen", "127.0.0.1:0", "--json"],
    { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, ...env } },
  );
  const exited = once(child, "exit");
  try {
    const printed = Promise.withResolvers<{ url: string; caFile: string }>();
    let text = "";
    child.stdout.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      if (text.endsWith("}\n")) printed.resolve(JSON.parse(text) as { url: string; caFile: string });
    });
    const { url, caFile } = await printed.promise;
    await using client = new HubClient(url, adminKey, readFileSync(caFile, "utf8"));
    // Several times what a pipe holds.
    const asked = 1_500;
    for (let n = 0; n < asked; n += 1) await client.notifications(0);
    let answered = 0;
    const lines = createInterface({ input: child.stderr });
    const read = (async () => {
      for await (const line of lines) if (line.includes('"msg":"request.answered"')) answered += 1;
    })();
    child.kill("SIGTERM");
    await read;
    assert.equal((await exited)[0], 0);
    assert.equal(answered, asked);
  } finally {
    child.kill("SIGKILL");
    await exited;
  }
});
