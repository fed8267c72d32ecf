import { homedir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { HubClient, type HubOptions } from "../client/hub-client.ts";
import { fromEnvironment } from "../environment.ts";
import { Failure } from "../failure.ts";
import { parseListenAddress } from "../listen-address.ts";
import { printJson, printLine } from "../output/print.ts";
import { runUntilStopped, serverLog } from "../server-process.ts";
import { withHubOptions } from "./hub-options.ts";

interface Options extends HubOptions {
  json: boolean;
  listen: string;
  tlsDir: string;
  logLevel: string;
}

const loopback = new Set(["127.0.0.1", "::1", "localhost"]);

/** `sallyport proxy PRIMARY`: a primary's REST API on loopback, for any NetBackup client. */
export function proxyCommand(): Command {
  const config = fromEnvironment("XDG_CONFIG_HOME") ?? join(homedir(), ".config");
  return withHubOptions(new Command("proxy"))
    .description("make a primary's REST API reachable on loopback, through the hub, for any NetBackup client")
    .argument("<primary>", "name or id of the primary")
    .option("--listen <host:port>", "where to listen; loopback only", "127.0.0.1:1556")
    .option(
      "--tls-dir <dir>",
      "folder for the proxy's own authority; clients trust its ca.pem",
      join(config, "sallyport", "proxy-tls"),
    )
    .option("--log-level <level>", "debug, info, warn or error", "warn")
    .addHelpText(
      "after",
      "\nThe client logs in at the primary itself, as it would on the spot; the proxy adds your API key for the hub." +
        "\nWhoever can reach the port uses that key, so it listens on loopback only." +
        "\n\nExample:\n  $ sallyport proxy branch-vienna --listen 127.0.0.1:1556\n" +
        "  $ curl --cacert ~/.config/sallyport/proxy-tls/ca.pem https://127.0.0.1:1556/netbackup/ping\n",
    )
    .action(proxy);
}

async function proxy(nameOrId: string, options: Options): Promise<void> {
  const listen = parseListenAddress(options.listen);
  if (!loopback.has(listen.host)) {
    const message = `the proxy listens on loopback only, not on ${listen.host}: it lends your API key to whoever connects`;
    throw new Failure(message, { exitCode: 2 });
  }
  const log = serverLog("proxy", options.logLevel);
  await using hub = HubClient.from(options);
  const { id, name } = await hub.findPrimary(nameOrId);
  const { startProxy } = await import("../client/proxy.ts");
  const server = await startProxy({ target: hub.proxyTarget(id), listen, tlsDir: options.tlsDir, log });
  const announce = () => {
    if (options.json) printJson({ url: server.url, caFile: server.caFile, primary: id });
    else {
      printLine(`${name} at ${server.url}/netbackup, through ${hub.origin}`);
      printLine(`Trust: ${server.caFile}`);
    }
  };
  await runUntilStopped(server, log, announce);
}
