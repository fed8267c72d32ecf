import { getCACertificates } from "node:tls";
import { Command, Option } from "commander";
import type { PollingTerms, UpstreamCredential } from "@sallyport/agent";
import { fromEnvironment } from "../environment.ts";
import { Failure } from "../failure.ts";
import { parseListenAddress } from "../listen-address.ts";
import { printJson, printLine } from "../output/print-line.ts";
import { readNbwssOptions, withNbwssOptions, type NbwssOptions } from "../nbwss-options.ts";
import { pace } from "./option-values.ts";
import { readCaFile, secretReader } from "../secrets.ts";
import { runUntilStopped, serverLog } from "../server-process.ts";

interface Options extends NbwssOptions {
  data: string;
  upstream: string;
  upstreamCa?: string;
  apiKeyFile?: string;
  user?: string;
  passwordFile?: string;
  domainType?: string;
  domainName?: string;
  commandsAs?: "caller" | "agent";
  poll?: "all" | "jobs" | "images" | "nothing";
  pollJobsEvery?: number;
  pollImagesEvery?: number;
  pollResyncEvery?: number;
  listen: string;
  monitoringListen?: string;
  logLevel: string;
  json: boolean;
}

const keyVariable = "SALLYPORT_UPSTREAM_API_KEY";
const passwordVariable = "SALLYPORT_UPSTREAM_PASSWORD";

const help = `
The agent calls the upstream and nothing else, and dials the endpoints that its administrator adds (sallyport endpoint … --agent DIR).
A key or password is never an argument, which every user of the machine can read: --api-key-file and --password-file name files,
or the values are in ${keyVariable} and ${passwordVariable}. Files are read again when the upstream refuses what was in them.

Whose credential a command of the cloud runs with is up to --commands-as: "caller" (the default) lets each command bring its own;
"agent" replaces it by the agent's own, so that no NetBackup credential is needed in the cloud, and the cloud can do what that one can.

Notifications of jobs and images are made by reading the upstream with the agent's own credential: one request at a time, with a pause
after each, slower while it fails. Without a credential there are none.

Examples:
  $ sallyport agent --data /var/lib/sallyport/agent --upstream https://nbu.branch.example:1556 --upstream-ca nbu-ca.pem --api-key-file /etc/sallyport/api-key
  $ sallyport endpoint add --agent /var/lib/sallyport/agent --url https://hub1.cloud.example:8443/api/v1/endpoint-details/…
`;

/**
 * `sallyport agent`: the NBWSS service in front of a NetBackup server that is elsewhere.
 * @param args what follows `agent` on the command line
 */
export async function agentCommand(args: readonly string[]): Promise<Command> {
  const command = new Command("agent")
    .description("run the agent: the NBWSS service in front of a NetBackup server")
    .option("--data <dir>", "folder for endpoints, outbox, certificates and the administrator's token")
    .option("--upstream <url>", "the NetBackup server's REST API, such as https://nbu.branch.example:1556")
    .option("--upstream-ca <file>", "authority of the upstream, PEM, beside those that the system knows")
    .option(
      "--api-key-file <file>",
      `file that holds the agent's own API key at the upstream (or ${keyVariable})`,
    )
    .addOption(new Option("--api-key <file>", "the same as --api-key-file").hideHelp())
    .option("--user <name>", "the agent's own user at the upstream, to log in with instead of an API key")
    .option("--password-file <file>", `file that holds that user's password (or ${passwordVariable})`)
    .option("--domain-type <type>", "domain type of that user, such as unixpwd or ldap")
    .option("--domain-name <name>", "domain of that user")
    .addOption(
      new Option("--commands-as <whose>", "whose credential commands of the cloud run with")
        .choices(["caller", "agent"])
        .default("caller"),
    )
    .addOption(
      new Option(
        "--poll <what>",
        "what of the upstream is read for notifications: all unless said, nothing without a credential",
      ).choices(["all", "jobs", "images", "nothing"]),
    )
    .option(
      "--poll-jobs-every <span>",
      "from one look at the jobs to the next (default: notification.scheduledRate, 5s)",
      pace,
    )
    .option("--poll-images-every <span>", "the same of recent images (default: 60s)", pace)
    .option("--poll-resync-every <span>", "how often everything is compared (default: 1h)", pace)
    .option("--listen <host:port>", "where its administration listens", "127.0.0.1:9556")
    .option(
      "--monitoring-listen <host:port>",
      "where /healthz and /metrics are, on loopback without TLS (default: nowhere)",
    );
  // Only who starts the agent names its upstream, and then it does without the memory of its clients.
  if (!args.some((one) => one === "--upstream" || one.startsWith("--upstream="))) {
    const { agentDiagnosisCommands } = await import("./agent-diagnosis.ts");
    for (const below of agentDiagnosisCommands()) command.addCommand(below);
  }
  return withNbwssOptions(command)
    .option("--log-level <level>", "debug, info, warn or error", "info")
    .option("--json", "print what was started as JSON", false)
    .addHelpText("after", help)
    .action(run);
}

async function run(given: Partial<Options> & { apiKey?: string }): Promise<void> {
  const options = required(given);
  const log = serverLog("agent", options.logLevel);
  const upstreamCa = readCaFile(options.upstreamCa);
  const listen = parseListenAddress(options.listen);
  const upstream = {
    origin: originOf(options.upstream),
    ca: [...getCACertificates("default"), ...(upstreamCa === undefined ? [] : [upstreamCa])],
    credential: credentialOf({ ...options, apiKeyFile: options.apiKeyFile ?? options.apiKey }),
    commandsAs: options.commandsAs,
  };
  if (upstream.commandsAs === "agent" && upstream.credential === undefined) {
    throw new Failure("--commands-as agent needs --api-key-file, or --user and --password-file", {
      exitCode: 2,
    });
  }
  const { follow, ...nbwss } = await readNbwssOptions(options, log);
  // Loaded only here, so that the client commands start quickly.
  const { startLoneAgent } = await import("@sallyport/agent");
  await using agent = await startLoneAgent({
    dataDir: options.data,
    upstream,
    listen,
    log,
    ...nbwss,
    monitoringListen: await monitoringOf(options),
    polling: pollingOf(options, upstream.credential !== undefined),
  });
  const { url, caFile } = agent;
  const announce = () => {
    if (options.json)
      printJson({ url, caFile, monitoringUrl: agent.monitoringUrl, upstream: upstream.origin });
    else {
      if (agent.poller === undefined) printLine("No notifications: the upstream is not read (--poll)");
      printLine(`Agent in front of ${upstream.origin}; its administration is at ${url}`);
      printLine(`Next: sallyport endpoint add --agent ${options.data} --url <details URL of the hub>`);
    }
  };
  follow(agent.service);
  await runUntilStopped(agent, log, announce);
}

/** Not told to the parser, which would want them of the commands below too. */
function required(given: Partial<Options> & { apiKey?: string }): Options & { apiKey?: string } {
  const { data, upstream } = given;
  for (const [flag, value] of Object.entries({ "--data <dir>": data, "--upstream <url>": upstream })) {
    if (value === undefined) throw new Failure(`required option '${flag}' not specified`, { exitCode: 2 });
  }
  return given as Options;
}

async function monitoringOf({ monitoringListen }: Options) {
  if (monitoringListen === undefined) return undefined;
  const address = parseListenAddress(monitoringListen);
  const { isLoopback } = await import("@sallyport/agent");
  if (isLoopback(address.host)) return address;
  throw new Failure(
    "--monitoring-listen has to be an address of this machine alone, such as 127.0.0.1:9557",
    {
      exitCode: 2,
    },
  );
}

function pollingOf(options: Options, hasCredential: boolean): PollingTerms | undefined {
  const { poll = hasCredential ? "all" : "nothing" } = options;
  if (poll === "nothing") return undefined;
  if (!hasCredential) {
    throw new Failure("--poll needs --api-key-file, or --user and --password-file", { exitCode: 2 });
  }
  return {
    what: poll === "all" ? ["jobs", "images"] : [poll],
    jobsEveryMs: options.pollJobsEvery,
    imagesEveryMs: options.pollImagesEvery,
    resyncEveryMs: options.pollResyncEvery,
  };
}

function originOf(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isPlain =
    url?.username === "" && url.password === "" && ["/", "/netbackup", "/netbackup/"].includes(url.pathname);
  if (url?.protocol === "https:" && isPlain) return url.origin;
  throw new Failure("--upstream has to be https://HOST:PORT, without credentials or path", { exitCode: 2 });
}

function credentialOf(
  options: Omit<Options, "apiKeyFile"> & { apiKeyFile: string | undefined },
): UpstreamCredential | undefined {
  const { apiKeyFile, user, passwordFile, domainType, domainName } = options;
  if (user !== undefined) {
    if (apiKeyFile !== undefined)
      throw new Failure("give either an API key or --user, not both", { exitCode: 2 });
    const readPassword = secretReader("the password", "--password-file", passwordFile, passwordVariable);
    return { kind: "login", userName: user, readPassword, domainType, domainName };
  }
  if (passwordFile !== undefined) throw new Failure("--password-file needs --user", { exitCode: 2 });
  if (apiKeyFile === undefined && fromEnvironment(keyVariable) === undefined) return undefined;
  return { kind: "api-key", read: secretReader("the API key", "--api-key-file", apiKeyFile, keyVariable) };
}
