// `sallyport proxy`: what a NetBackup client gets through it is what it gets on the spot.
import assert from "node:assert/strict";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Agent, request } from "undici";
import { freePort, sallyport, startServer } from "./kit/sallyport.ts";
import { adminKey, password, Site } from "./kit/site.ts";

test("cli - login keeps a profile for its owner alone; proxy then serves a primary on loopback", async () => {
  await using site = await Site.start();
  const profile = join(site.dir, "profile.json");
  const env = { SALLYPORT_PROFILE: profile, SALLYPORT_HUB: "", SALLYPORT_CA: "", SALLYPORT_API_KEY: "" };
  const wrong = await sallyport(["login", site.hub.url, "--ca", site.hub.caFile], {
    ...env,
    SALLYPORT_API_KEY: "no",
  });
  assert.match(wrong.stderr, /the hub answered 401/);
  const login = await sallyport(["login", site.hub.url, "--ca", site.hub.caFile], {
    ...env,
    SALLYPORT_API_KEY: adminKey,
  });
  assert.match(login.stdout, /as "first administrator" \(administrator\)/, login.stderr);
  assert.equal(statSync(profile).mode & 0o777, 0o600);
  assert.match((await sallyport(["primaries", "list"], env)).stdout, /branch.*connected/s);
  // Another hub than the profile's is not given its key.
  const other = await sallyport(["primaries", "list", "--hub", "https://127.0.0.1:1"], env);
  assert.match(other.stderr, /the API key is missing/);

  const port = await freePort();
  const tlsDir = join(site.dir, "proxy-tls");
  await using proxy = await startServer(
    ["proxy", "branch", "--listen", `127.0.0.1:${port}`, "--tls-dir", tlsDir],
    env,
  );
  const through = new Agent({ connect: { ca: proxy.caPem } });
  const straight = new Agent({ connect: { ca: readFileSync(site.primary.caFile) } });
  await using agents = new AsyncDisposableStack();
  agents.defer(() => through.close());
  agents.defer(() => straight.close());
  const media = "application/vnd.netbackup+json;version=12.0";
  const atProxy = { origin: proxy.url, dispatcher: through };
  const onTheSpot = { origin: site.primary.url, dispatcher: straight };
  const call = async (to: typeof atProxy, path: string, headers = {}, body?: string) => {
    const answer = await request(`${to.origin}${path}`, {
      method: body === undefined ? "GET" : "POST",
      headers: { accept: media, "content-type": media, ...headers },
      body: body ?? null,
      dispatcher: to.dispatcher,
    });
    return {
      status: answer.statusCode,
      type: answer.headers["content-type"],
      text: await answer.body.text(),
    };
  };
  const credentials = JSON.stringify({ userName: "backupadmin", password });
  const { status, text } = await call(atProxy, "/netbackup/login", {}, credentials);
  assert.equal(status, 201);
  const { token } = JSON.parse(text) as { token: string };
  for (const path of [
    "/netbackup/admin/jobs?page[limit]=1",
    "/netbackup/config/policies/none",
    "/netbackup/nowhere",
  ]) {
    const headers = { authorization: token };
    assert.deepEqual(await call(atProxy, path, headers), await call(onTheSpot, path, headers), path);
  }
  assert.equal((await call(atProxy, "/api/v1/primaries")).status, 404);
  await site.primary.stop();
  const down = await call(atProxy, "/netbackup/ping");
  assert.deepEqual([down.status, down.type], [503, "application/problem+json"]);
  assert.equal(await proxy.stop(), 0);
  assert.equal((await sallyport(["logout"], env)).stdout, "Removed the profile.\n");
  assert.equal((await sallyport(["logout"], env)).stdout, "There was no profile.\n");
});
