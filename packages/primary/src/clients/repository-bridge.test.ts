import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import http2, { type OutgoingHttpHeaders } from "node:http2";
import { join } from "node:path";
import test from "node:test";
import { socketPair } from "../processes/socket-pair.ts";
import { temporaryFolder } from "../testing/test-primary.ts";
import { RepositoryBridge } from "./repository-bridge.ts";

const nameOf = (content: string) => createHash("sha256").update(content).digest("hex");

/** A hostile client's end of a bridge. */
async function openBridge(repository: string, access: "append" | "read") {
  const [socket, served] = await socketPair();
  const bridge = new RepositoryBridge({ socket: served, repository, access });
  const session = http2.connect("http://localhost", { createConnection: () => socket });
  session.on("error", () => {});
  const ask = async (method: string, path: string, body?: string, headers: OutgoingHttpHeaders = {}) => {
    const stream = session.request({ ":method": method, ":path": path, ...headers });
    stream.end(body);
    const [answer] = (await once(stream, "response")) as [Record<string, unknown>];
    let text = "";
    for await (const chunk of stream.setEncoding("utf8")) text += String(chunk);
    return { status: answer[":status"], text };
  };
  const close = async () => {
    await bridge.close();
    session.destroy();
    socket.destroy();
  };
  return { bridge, ask, [Symbol.asyncDispose]: close };
}

test("repository bridge - lets a client add and read, and neither change nor remove what is there", async () => {
  await using folder = await temporaryFolder();
  const repository = join(folder.path, "repository");
  const secret = join(folder.path, "secret");
  await writeFile(secret, "secret");
  for (const kind of ["data", "index", "keys", "locks", "snapshots"]) {
    await mkdir(join(repository, kind), { recursive: true });
  }
  await writeFile(join(repository, "config"), "the config");
  const [old, fresh] = [nameOf("old"), nameOf("fresh")];
  await writeFile(join(repository, "snapshots", old), "old");
  const foreignLock = nameOf("foreign lock");
  await writeFile(join(repository, "locks", foreignLock), "foreign lock");
  {
    await using client = await openBridge(repository, "append");
    const status = async (...request: Parameters<typeof client.ask>) => (await client.ask(...request)).status;
    assert.equal((await client.ask("GET", "/config")).text, "the config");
    assert.equal(await status("POST", `/data/${fresh}`, "fresh"), 200);
    assert.equal(await readFile(join(repository, "data", fresh.slice(0, 2), fresh), "utf8"), "fresh");
    assert.deepEqual(await client.ask("GET", `/data/${fresh}`, undefined, { range: "bytes=1-2" }), {
      status: 206,
      text: "re",
    });
    assert.deepEqual(JSON.parse((await client.ask("GET", "/snapshots/")).text), [{ name: old, size: 3 }]);
    // What a client that was taken over would try.
    assert.equal(await status("DELETE", `/snapshots/${old}`), 403);
    assert.equal(await status("DELETE", `/data/${fresh}`), 403);
    assert.equal(await status("DELETE", "/config"), 403);
    assert.equal(await status("POST", "/config", "x"), 403);
    assert.equal(await status("POST", "/?create=true"), 404);
    assert.equal(await status("POST", `/keys/${nameOf("key")}`, "key"), 403);
    assert.equal(await status("POST", `/snapshots/${old}`, "another content"), 500);
    assert.equal(await status("DELETE", `/locks/${foreignLock}`), 403);
    assert.equal(await status("POST", `/locks/${foreignLock}`, "foreign lock"), 403);
    assert.equal(await status("DELETE", `/locks/${foreignLock}`), 403);
    assert.equal(await status("PUT", `/snapshots/${old}`, "old"), 405);
    for (const path of [
      "/../secret",
      "/data/../../secret",
      "/data/%2e%2e%2fsecret",
      "//etc/passwd",
      `/data/${old}/x`,
    ]) {
      assert.equal(await status("GET", path), 404, path);
    }
    assert.equal(await readFile(join(repository, "snapshots", old), "utf8"), "old");
    // Its own locks it may remove, and those that it leaves go with it.
    const [mine, left] = [nameOf("mine"), nameOf("left")];
    assert.equal(await status("POST", `/locks/${mine}`, "mine"), 200);
    assert.equal(await status("DELETE", `/locks/${mine}`), 200);
    assert.equal(await status("POST", `/locks/${left}`, "left"), 200);
    assert.ok(existsSync(join(repository, "locks", left)));
  }
  assert.deepEqual(await readdir(join(repository, "locks")), [foreignLock]);
  assert.deepEqual(await readdir(join(repository, "snapshots")), [old]);
  await using reader = await openBridge(repository, "read");
  assert.equal((await reader.ask("GET", `/snapshots/${old}`)).text, "old");
  assert.equal((await reader.ask("POST", `/data/${nameOf("more")}`, "more")).status, 403);
});
