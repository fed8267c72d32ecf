import assert from "node:assert/strict";
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { HubFixture, temporaryFolder } from "../testing/hub-fixture.ts";

test("console - serves its folder with strict headers, its page for every address, and nothing outside", async () => {
  await using folder = await temporaryFolder();
  const consoleDir = join(folder.path, "dist");
  await mkdir(join(consoleDir, "assets"), { recursive: true });
  await writeFile(join(consoleDir, "index.html"), "<p>console");
  await writeFile(
    join(consoleDir, "nonce.html"),
    '<meta nonce="SALLYPORT-NONCE"><link nonce="SALLYPORT-NONCE">',
  );
  await writeFile(join(consoleDir, "assets/app-1.js"), "1");
  await writeFile(join(consoleDir, ".env.txt"), "hidden");
  await writeFile(join(folder.path, "secret.txt"), "secret");
  await symlink(join(folder.path, "secret.txt"), join(consoleDir, "link.txt"));
  await using fixture = await HubFixture.start({ consoleDir });
  const get = (path: string, accept = "*/*") =>
    fixture.call({ path, key: null, headers: { Accept: accept } });
  const page = await get("/");
  assert.deepEqual([page.status, page.text], [200, "<p>console"]);
  assert.match(String(page.headers["content-security-policy"]), /default-src 'self'.*frame-ancestors 'none'/);
  assert.equal(page.headers["x-content-type-options"], "nosniff");
  const nonces = await Promise.all(
    ["/nonce.html", "/nonce.html"].map(async (path) => {
      const { text, headers } = await get(path);
      const [, nonce = ""] =
        /style-src 'self' 'nonce-([\w+/]{22}==)';/.exec(String(headers["content-security-policy"])) ?? [];
      assert.equal(text, `<meta nonce="${nonce}"><link nonce="${nonce}">`);
      assert.equal(headers["cache-control"], "no-store");
      return nonce;
    }),
  );
  assert.notEqual(nonces[0], nonces[1]);
  assert.ok(!String(page.headers["content-security-policy"]).includes("unsafe"));
  const script = await get("/assets/app-1.js");
  assert.deepEqual([script.text, script.headers["content-type"]], ["1", "text/javascript; charset=utf-8"]);
  assert.equal((await get("/primaries/a", "text/html")).text, "<p>console");
  for (const path of [
    "/primaries/a",
    "/../secret.txt",
    "/assets/../../secret.txt",
    "/%2e%2e/secret.txt",
    "/..%2fsecret.txt",
    "/..%5csecret.txt",
    "/link.txt",
    "/.env.txt",
    "/assets",
    "/a%00.txt",
    "//secret.txt",
  ]) {
    const reply = await get(path);
    assert.equal(reply.status, 404, path);
    assert.ok(!/secret|hidden/.test(reply.text), path);
  }
  for (const path of ["/api/x", "/nbwss", "/metrics"]) {
    assert.equal((await get(path, "text/html")).headers["content-type"], "application/problem+json", path);
  }
});

test("console - says how it is built when it is missing", async () => {
  await using fixture = await HubFixture.start();
  const page = await fixture.call({ path: "/", key: null });
  assert.match(page.text, /npm run build -w packages\/console/);
  assert.match(String(page.headers["content-security-policy"]), /default-src 'self'/);
});
