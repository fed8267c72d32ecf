import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { HubClient } from "@sallyport/cli";
import { makeQuickRepository } from "../../packages/primary/src/testing/quick-repository.ts";
import { sallyport, startServer } from "./sallyport.ts";
import { adminKey, password, until } from "./site.ts";

/** The one user of the server behind the firewall. */
export const user = "backupadmin";

/** A hub, a server behind the firewall that knows of no endpoint, and the details of an endpoint for it in a file: all that a lone agent needs. */
export async function startSurroundings(dir: string) {
  await using starting = new AsyncDisposableStack();
  const hub = starting.use(
    await startServer(["hub", "--data", join(dir, "hub"), "--listen", "127.0.0.1:0"], {
      SALLYPORT_ADMIN_KEY: adminKey,
    }),
  );
  makeQuickRepository(join(dir, "netbackup"));
  const netbackup = starting.use(
    await startServer(["primary", "--data", join(dir, "netbackup"), "--listen", "127.0.0.1:0"], {
      SALLYPORT_PRIMARY_USER: user,
      SALLYPORT_PRIMARY_PASSWORD: password,
    }),
  );
  const client = starting.use(new HubClient(hub.url, adminKey, hub.caPem));
  const created = await client.addPrimary({ name: "branch" });
  const detailsFile = join(dir, "endpoint.json");
  writeFileSync(detailsFile, JSON.stringify(created.endpoint));
  const passwordFile = join(dir, "password");
  writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
  const running = starting.move();
  const agentDir = join(dir, "agent");
  return {
    hub,
    netbackup,
    client,
    detailsFile,
    agentDir,
    created,
    startAgent: (...more: string[]) => {
      const upstream = ["--upstream", netbackup.url, "--upstream-ca", netbackup.caFile];
      const listen = ["--listen", "127.0.0.1:0", "--ca", hub.caFile];
      return startServer(["agent", "--data", agentDir, ...upstream, ...listen, ...more], {});
    },
    asAgent: ["--user", user, "--password-file", passwordFile, "--commands-as", "agent"],
    cli: (...args: string[]) => sallyport(args, { SALLYPORT_AGENT: agentDir }),
    connected: () =>
      until(async () => (await client.findPrimary(created.id)).connection.state === "connected"),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}
