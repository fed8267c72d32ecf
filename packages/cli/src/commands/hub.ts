import { join } from "node:path";
import { readFileSync } from "node:fs";
import { Command } from "commander";
import { fromEnvironment } from "../environment.ts";
import { Failure } from "../failure.ts";
import { parseListenAddress } from "../listen-address.ts";
import { printJson, printLine } from "../output/print.ts";
import { runUntilStopped, serverLog } from "../server-process.ts";

interface Options {
  data: string;
  listen: string;
  publicUrl?: string;
  tlsCert?: string;
  tlsKey?: string;
  logLevel: string;
  json: boolean;
}

const consoleDir = join(import.meta.dirname, "../../../console/dist");

/** `sallyport hub`: the cloud side. */
export function hubCommand(): Command {
  return new Command("hub")
    .description("run the hub: the cloud side that primaries dial and applications call")
    .requiredOption("--data <dir>", "folder for the hub's log, views and certificates")
    .option("--listen <host:port>", "where to listen", "127.0.0.1:8443")
    .option("--public-url <url>", "how primaries and users reach the hub, when that differs")
    .option("--tls-cert <file>", "server certificate, PEM; without it the hub makes an authority of its own")
    .option("--tls-key <file>", "its private key, PEM")
    .option("--log-level <level>", "debug, info, warn or error", "info")
    .option("--json", "print what was started as JSON", false)
    .addHelpText(
      "after",
      "\nSALLYPORT_ADMIN_KEY sets the first administrator's API key; otherwise one is made and printed once.\n" +
        "\nExample:\n  $ sallyport hub --data /var/lib/sallyport/hub --listen 0.0.0.0:8443 --public-url https://hub1.cloud.example:8443\n",
    )
    .action(run);
}

async function run(options: Options): Promise<void> {
  const { host, port } = parseListenAddress(options.listen);
  const adminKey = fromEnvironment("SALLYPORT_ADMIN_KEY");
  const tls = readTls(options);
  const log = serverLog("hub", options.logLevel);
  // Loaded only here, so that the client commands start quickly.
  const { createHub } = await import("@sallyport/hub");
  const hub = await createHub({
    dataDir: options.data,
    log,
    consoleDir,
    ...(options.publicUrl === undefined ? {} : { publicUrl: options.publicUrl }),
    ...(adminKey === undefined ? {} : { adminKey }),
  });
  const { url, caFile } = await hub.listen({ host, port, ...(tls === undefined ? {} : { tls }) });
  if (options.json) printJson({ url, caFile, adminKey: hub.adminKey });
  else {
    printLine(`Hub at ${url} (console, API, and wss endpoint ${url.replace(/^https/, "wss")}/nbwss)`);
    if (caFile !== undefined) printLine(`Its own authority: ${caFile}`);
    if (hub.adminKey !== undefined) {
      printLine(`First administrator's API key, shown this once: ${hub.adminKey}`);
    }
  }
  await runUntilStopped(hub, log);
}

function readTls({ tlsCert, tlsKey }: Options): { cert: string; key: string } | undefined {
  if (tlsCert === undefined && tlsKey === undefined) return undefined;
  if (tlsCert === undefined || tlsKey === undefined) {
    throw new Failure("--tls-cert and --tls-key belong together", { exitCode: 2 });
  }
  try {
    return { cert: readFileSync(tlsCert, "utf8"), key: readFileSync(tlsKey, "utf8") };
  } catch (error) {
    throw new Failure(`the TLS files can't be read: ${(error as Error).message}`, {
      cause: error,
      exitCode: 2,
    });
  }
}
