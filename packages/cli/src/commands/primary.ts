import { hostname } from "node:os";
import { Command } from "commander";
import { PrimaryError } from "@sallyport/primary";
import { fromEnvironment } from "../environment.ts";
import { Failure } from "../failure.ts";
import { readNbwssOptions, withNbwssOptions, type NbwssOptions } from "../nbwss-options.ts";
import { parseListenAddress, type ListenAddress } from "../listen-address.ts";
import { printJson, printLine } from "../output/print-line.ts";
import { runUntilStopped, serverLog } from "../server-process.ts";

interface Options extends NbwssOptions {
  data: string | undefined;
  listen: ListenAddress[] | undefined;
  hostName: string;
  logLevel: string;
  json: boolean;
}

/** The port of NetBackup's own servers, on this machine alone. */
const defaultAddress: ListenAddress = { host: "127.0.0.1", port: 1556 };

function addAddress(text: string, given: ListenAddress[] | undefined): ListenAddress[] {
  return [...(given ?? []), parseListenAddress(text)];
}

/**
 * `sallyport primary`: the backup server.
 * @param args what follows `primary` on the command line
 */
export async function primaryCommand(args: readonly string[]): Promise<Command> {
  const command = new Command("primary")
    .description("run the primary: a backup server with NetBackup's REST API on restic, NBWSS built in")
    .option("--data <dir>", "folder for the catalogue, the repository and its password, and certificates")
    .option(
      "--listen <host:port>",
      "where its REST API listens (default: 127.0.0.1:1556); once for each address",
      addAddress,
    )
    .option(
      "--host-name <name>",
      "the primary's name, also that of this machine as a client",
      hostname().toLowerCase(),
    );
  // Who starts the primary begins with its options, and then it does without the memory of what administers it.
  const isStart = args[0]?.startsWith("--") === true && !args.includes("--help") && !args.includes("-h");
  if (!isStart) {
    const { primaryAdministrationCommands } = await import("./primary-administration.ts");
    for (const below of primaryAdministrationCommands()) command.addCommand(below);
  }
  return withNbwssOptions(command)
    .option("--log-level <level>", "debug, info, warn or error", "info")
    .option("--json", "print what was started as JSON", false)
    .addHelpText(
      "after",
      "\nSALLYPORT_PRIMARY_USER and SALLYPORT_PRIMARY_PASSWORD set the first user; otherwise one is made and printed once.\n" +
        "\nExample:\n  $ sallyport primary --data /var/lib/sallyport/primary --listen 0.0.0.0:1556 --ca hub-ca.pem\n" +
        "  $ sallyport primary --data /var/lib/sallyport/primary --listen 0.0.0.0:1556 --listen 0.0.0.0:443 --ca hub-ca.pem\n" +
        "\nClients of NetBackup's API use port 1556, its web pages 443. Below 1024 it takes the capability CAP_NET_BIND_SERVICE.\n",
    )
    .action(run);
}

async function run(options: Options, command: Command): Promise<void> {
  // Commands below have a --data of their own, so it can't be a required option here.
  if (options.data === undefined)
    command.error("error: required option '--data <dir>' not specified", { exitCode: 2 });
  const log = serverLog("primary", options.logLevel);
  const firstUser = firstUserFromEnvironment();
  const { follow, ...nbwss } = await readNbwssOptions(options, log);
  // Loaded only here, so that the client commands start quickly.
  const { startPrimaryServer } = await import("../primary-server.ts");
  const primary = await startPrimaryServer({
    dataDir: options.data,
    hostName: options.hostName,
    listen: options.listen ?? [defaultAddress],
    log,
    firstUser,
    ...nbwss,
  }).catch((error: unknown) => {
    if (!(error instanceof PrimaryError) || error.code !== "weak_password") throw error;
    throw new Failure(`SALLYPORT_PRIMARY_PASSWORD: ${error.message}`, { exitCode: 2, cause: error });
  });
  const { userName, password } = primary.firstUser;
  const announce = () => {
    const { url, urls, caFile } = primary;
    if (options.json) printJson({ url, urls, caFile, firstUser: primary.firstUser });
    else {
      printLine(`Primary ${options.hostName} at ${urls.map((one) => `${one}/netbackup`).join(", ")}`);
      if (caFile !== undefined) printLine(`Its own authority: ${caFile}`);
      if (password !== undefined) printLine(`First user, shown this once: ${userName} ${password}`);
      printLine(`Next: sallyport endpoint add${wayTo(primary)} --url <details URL of the hub>`);
    }
  };
  follow(primary.service);
  await runUntilStopped(primary, log, announce);
}

/** What `sallyport endpoint` has to be told to find a primary. */
function wayTo({ url, caFile }: { url: string; caFile: string | undefined }): string {
  const isDefault = url === `https://${defaultAddress.host}:${defaultAddress.port}`;
  return `${isDefault ? "" : ` --primary ${url}`}${caFile === undefined ? "" : ` --ca ${caFile}`}`;
}

function firstUserFromEnvironment(): { userName: string; password: string } | undefined {
  const userName = fromEnvironment("SALLYPORT_PRIMARY_USER");
  const password = fromEnvironment("SALLYPORT_PRIMARY_PASSWORD");
  if (userName === undefined && password === undefined) return undefined;
  if (userName === undefined || password === undefined) {
    throw new Failure("SALLYPORT_PRIMARY_USER and SALLYPORT_PRIMARY_PASSWORD belong together", {
      exitCode: 2,
    });
  }
  return { userName, password };
}
