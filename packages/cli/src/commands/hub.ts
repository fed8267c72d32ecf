import { join } from "node:path";
import { Command } from "commander";
import { createHub, parseAddress } from "@sallyport/hub";
import { fromEnvironment } from "../environment.ts";
import { Failure } from "../failure.ts";
import { printJson, printLine } from "../output/print.ts";
import { readCaFile, readSecret } from "../secrets.ts";
import { runUntilStopped, serverLog } from "../server-process.ts";
import { keepStartedSettings } from "../started-settings.ts";
import { backupCommand, restoreCommand } from "./hub-backup.ts";
import { hubCheckCommand } from "./hub-check.ts";
import { checkConfigCommand, configCommand } from "./hub-config.ts";
import { asked } from "./hub-failure.ts";
import { rebuildViewsCommand } from "./hub-rebuild-views.ts";
import { readOidcOptions } from "./hub-oidc.ts";
import { readHubSettings, withHubSettings } from "./hub-settings.ts";

const consoleDir = join(import.meta.dirname, "../../../console/dist");
const keyVariable = "SALLYPORT_ADMIN_KEY";

/** `sallyport hub`: the cloud side; below it what is done to a hub's folder and settings. */
export function hubCommand(): Command {
  const command = new Command("hub").description(
    "run the hub: the cloud side that primaries dial and applications call",
  );
  return withHubSettings(command)
    .option("--json", "print what was started as JSON", false)
    .addHelpText(
      "after",
      "\nEach setting is also a variable (--public-url: SALLYPORT_HUB_PUBLIC_URL) and a key of the file that --config names.\n" +
        "SALLYPORT_ADMIN_KEY sets the first administrator's API key; otherwise one is made and printed once.\n" +
        "\nExample:\n  $ sallyport hub --data /var/lib/sallyport/hub --listen 0.0.0.0:8443 --public-url https://hub1.cloud.example:8443\n",
    )
    .action(run)
    .addCommand(hubCheckCommand())
    .addCommand(checkConfigCommand())
    .addCommand(configCommand())
    .addCommand(backupCommand())
    .addCommand(restoreCommand())
    .addCommand(rebuildViewsCommand());
}

async function run(options: Record<string, unknown>): Promise<void> {
  const { settings } = readHubSettings(options);
  const { host, port } = addressOf(settings.listen);
  const { adminKeyFile } = settings;
  const adminKey =
    adminKeyFile === undefined
      ? fromEnvironment(keyVariable)
      : readSecret("the administrator's key", "--admin-key-file", adminKeyFile, keyVariable);
  const { cert, key } = settings.tls;
  const tls = cert === undefined || key === undefined ? undefined : { certFile: cert, keyFile: key };
  const log = serverLog("hub", settings.logLevel);
  await using hub = await createHub({
    dataDir: settings.data,
    log,
    consoleDir,
    limits: settings.limits,
    moreUrls: settings.moreUrls,
    credentialKeyFile: settings.credentialKeyFile,
    trustedProxies: settings.trustedProxies,
    extensions: settings.protocol === "sallyport.v1",
    oidc: readOidcOptions(settings.oidc),
    webhooks: {
      allowedNetworks: settings.webhooks.allowedNetworks,
      ca: readCaFile(settings.webhooks.caFile),
    },
    ...(settings.publicUrl === undefined ? {} : { publicUrl: settings.publicUrl }),
    ...(adminKey === undefined ? {} : { adminKey }),
  });
  const metrics = settings.metricsListen === undefined ? undefined : addressOf(settings.metricsListen);
  const { url, caFile, metricsUrl } = await asked(hub.listen({ host, port, tls, metrics }));
  // For "hub check" alone: a hub that can't write it says so there, and runs.
  await keepStartedSettings(settings, url).catch((err: unknown) => log.warn({ err }, "settings.not_kept"));
  const announce = () => {
    if (options["json"] === true) printJson({ url, caFile, metricsUrl, adminKey: hub.adminKey });
    else {
      printLine(`Hub at ${url} (console, API, and wss endpoint ${url.replace(/^https/, "wss")}/nbwss)`);
      if (caFile !== undefined) printLine(`Its own authority: ${caFile}`);
      if (metricsUrl !== undefined) printLine(`Metrics: ${metricsUrl}`);
      if (hub.adminKey !== undefined) {
        printLine(`First administrator's API key, shown this once: ${hub.adminKey}`);
      }
    }
  };
  // At a terminal it means that the window has gone: the hub ends with it.
  if (!process.stderr.isTTY) process.on("SIGHUP", () => void hub.reloadCertificate());
  await runUntilStopped(hub, log, announce);
}

function addressOf(value: string): { host: string; port: number } {
  const address = parseAddress(value);
  if (address === undefined) throw new Failure(`${value} is no address`);
  return address;
}
