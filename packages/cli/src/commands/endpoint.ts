import { readFileSync } from "node:fs";
import { Command } from "commander";
import { endpointsOf, type ShownEndpoint } from "../client/endpoints.ts";
import { PrimaryClient, type PrimaryOptions } from "../client/primary-client.ts";
import { Failure } from "../failure.ts";
import { printJson, printLine, printTable } from "../output/print.ts";
import { failBackCommand, groupsCommand, reconnectCommand } from "./endpoint-groups.ts";
import { withPrimaryOptions } from "./hub-options.ts";
import { wholeNumber } from "./option-values.ts";

interface Options extends PrimaryOptions {
  json: boolean;
}

interface UpdateOptions extends Options {
  priority?: number;
  group?: string;
  fingerprint?: string;
  yes: boolean;
}

interface SourceOptions extends Options {
  url?: string;
  file?: string;
}

/** `sallyport endpoint …`: the cloud endpoints that a primary dials, administered on premises. */
export function endpointCommand(): Command {
  const command = new Command("endpoint").description(
    "the cloud endpoints that a primary dials (run on premises)",
  );
  const examples = [
    "  $ sallyport endpoint validate --file endpoint.json",
    "  $ sallyport endpoint add --url https://hub1.cloud.example:8443/api/v1/endpoint-details/…",
  ];
  withSource(command.command("validate"))
    .description("show the certificate of an endpoint, and change nothing (a details URL is used up by it)")
    .addHelpText("after", `\nExample:\n${examples[0]}\n`)
    .action(validate);
  withSource(command.command("add"))
    .description("validate an endpoint, save it with the certificate that you accept, and activate it")
    .option("--fingerprint <sha256>", "accept this certificate without asking")
    .option("--yes", "accept the certificate that is shown without asking", false)
    .option("--no-activate", "save it deactivated")
    .addHelpText("after", `\nExample:\n${examples[1]}\n`)
    .action(add);
  withPrimaryOptions(command.command("list"))
    .description("list the saved endpoints and their state")
    .addHelpText("after", "\nExample:\n  $ sallyport endpoint list\n")
    .action(list);
  for (const [verb, state] of [
    ["activate", "ACTIVATED"],
    ["deactivate", "DEACTIVATED"],
  ] as const) {
    withPrimaryOptions(command.command(`${verb} <host-name>`))
      .description(`${verb} a saved endpoint; acts at once`)
      .addHelpText("after", `\nExample:\n  $ sallyport endpoint ${verb} hub1.cloud.example\n`)
      .action(async (hostName: string, options: Options) => {
        await using primary = await PrimaryClient.login(options);
        await endpointsOf(primary).update(hostName, state);
        if (options.json) printJson({ hostName, state });
        else printLine(`${hostName} is ${state}.`);
      });
  }
  withPrimaryOptions(command.command("update <host-name>"))
    .description("accept the certificate that a saved endpoint shows now, and change its priority or group")
    .option("--priority <n>", "lower is preferred", wholeNumber)
    .option("--group <id>", "server group")
    .option("--fingerprint <sha256>", "accept this certificate without asking")
    .option("--yes", "accept the certificate that is shown without asking", false)
    .addHelpText("after", "\nExample:\n  $ sallyport endpoint update hub1.cloud.example --priority 2\n")
    .action(update);
  command.addCommand(groupsCommand()).addCommand(failBackCommand()).addCommand(reconnectCommand());
  withPrimaryOptions(command.command("remove <host-name>"))
    .description("remove a saved endpoint; its connection ends")
    .option("--yes", "do it; without this the command only says what it would do", false)
    .addHelpText("after", "\nExample:\n  $ sallyport endpoint remove hub1.cloud.example --yes\n")
    .action(remove);
  return command;
}

function withSource(command: Command): Command {
  return withPrimaryOptions(command)
    .option("--url <url>", "details URL that the cloud application generated")
    .option("--file <file>", "file with the endpoint details (- for standard input)");
}

async function validateWith(primary: PrimaryClient, { url, file }: SourceOptions) {
  if ((url === undefined) === (file === undefined)) {
    throw new Failure("name either --url or --file", { exitCode: 2 });
  }
  const endpoints = endpointsOf(primary);
  return url === undefined ? endpoints.validateHost(readDetails(file ?? "-")) : endpoints.validateUrl(url);
}

function readDetails(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file === "-" ? 0 : file, "utf8"));
  } catch (error) {
    const what = file === "-" ? "standard input" : file;
    throw new Failure(`the endpoint details can't be read from ${what}: ${(error as Error).message}`, {
      cause: error,
      exitCode: 2,
    });
  }
}

async function validate(options: SourceOptions): Promise<void> {
  await using primary = await PrimaryClient.login(options);
  show(await validateWith(primary, options), options.json);
}

function show(endpoint: ShownEndpoint, json: boolean): void {
  const { token: _hidden, ...shown } = endpoint;
  if (json) {
    printJson(shown);
    return;
  }
  printLine(`endpoint     ${shown.hostName}  ${shown.url}`);
  printLine(`group        ${shown.groupId}, priority ${shown.priority}`);
  printLine(`subject      ${shown.subject}`);
  printLine(`SHA-1        ${shown.sha1Fingerprints}`);
  printLine(`SHA-256      ${shown.sha256Fingerprint}`);
}

async function add(
  options: SourceOptions & { fingerprint?: string; yes: boolean; activate: boolean },
): Promise<void> {
  // Before the details are fetched: their URL works once.
  requireAnswerer(options);
  await using primary = await PrimaryClient.login(options);
  const endpoint = await validateWith(primary, options);
  if (!options.json) show(endpoint, false);
  const usedUp =
    options.url === undefined
      ? ""
      : "; the details URL is used up, ask for another (there: sallyport primaries details NAME)";
  await requireAcceptance(endpoint.sha256Fingerprint, options, usedUp);
  const { hostName, groupId, url, priority } = endpoint;
  await endpointsOf(primary).save(endpoint);
  if (options.activate) await endpointsOf(primary).update(hostName, "ACTIVATED");
  const state = options.activate ? "ACTIVATED" : "DEACTIVATED";
  if (options.json)
    printJson({ hostName, groupId, url, priority, state, sha256Fingerprint: endpoint.sha256Fingerprint });
  else printLine(`Saved ${hostName}; it is ${state}.`);
}

/** Refuses what can't end with an accepted certificate, before anything is asked of anybody. */
function requireAnswerer({ fingerprint, yes }: { fingerprint?: string; yes: boolean }): void {
  if (fingerprint !== undefined && !/^[0-9A-F]{64}$/.test(normal(fingerprint))) {
    throw new Failure("--fingerprint has to be a SHA-256, 64 hexadecimal digits, with colons or without", {
      exitCode: 2,
    });
  }
  if (fingerprint === undefined && !yes && !process.stdin.isTTY) {
    throw new Failure("nobody can be asked here: give --fingerprint SHA256 (or --yes); nothing was saved", {
      exitCode: 2,
    });
  }
}

function normal(fingerprint: string): string {
  return fingerprint.replaceAll(":", "").toUpperCase();
}

async function requireAcceptance(
  shown: string,
  options: { fingerprint?: string; yes: boolean },
  consequence = "",
): Promise<void> {
  requireAnswerer(options);
  if (options.fingerprint !== undefined) {
    if (normal(options.fingerprint) === normal(shown)) return;
    throw new Failure(
      `the endpoint shows SHA-256 ${shown}, not the one given by --fingerprint; nothing was saved${consequence}`,
    );
  }
  if (options.yes) return;
  // Loaded only when somebody is asked.
  const { confirm } = await import("@inquirer/prompts");
  if (!(await confirm({ message: "Do you accept this certificate?", default: false }))) {
    throw new Failure(`not accepted; nothing was saved${consequence}`);
  }
}

async function update(hostName: string, options: UpdateOptions): Promise<void> {
  await using primary = await PrimaryClient.login(options);
  const endpoints = endpointsOf(primary);
  const saved = await savedEndpoint(endpoints, hostName);
  const { token, url } = saved;
  const { priority = saved.priority, group: groupId = saved.groupId } = options;
  const shown = await endpoints.validateHost({ hostName, token, url, priority, groupId });
  const isChanged = shown.certificate.trim() !== saved.certificate.trim();
  if (!options.json) show(shown, false);
  if (isChanged) await requireAcceptance(shown.sha256Fingerprint, options);
  await endpoints.save(shown, saved.state ?? undefined);
  if (options.json)
    printJson({ hostName, groupId, url, priority, state: saved.state, certificateChanged: isChanged });
  else
    printLine(
      `Saved ${hostName}; ${isChanged ? "it has a new certificate" : "its certificate is the same"}.`,
    );
}

async function savedEndpoint(endpoints: ReturnType<typeof endpointsOf>, hostName: string) {
  const saved = (await endpoints.list()).find((endpoint) => endpoint.hostName === hostName);
  if (saved === undefined)
    throw new Failure(`no endpoint "${hostName}" is saved; see: sallyport endpoint list`);
  return saved;
}

async function list(options: Options): Promise<void> {
  await using primary = await PrimaryClient.login(options);
  const endpoints = await endpointsOf(primary).list();
  if (options.json) {
    printJson(endpoints);
    return;
  }
  printTable(
    ["host", "group", "priority", "state", "connection", "last close", "why not connected", "URL"],
    endpoints.map((one) => [
      one.hostName,
      one.groupId,
      String(one.priority),
      one.state ?? "",
      one.connectionState ?? "",
      one.closeStatus ?? "",
      one.failure ?? "",
      one.url,
    ]),
    "No endpoint is saved; begin with: sallyport endpoint add --url <details URL>",
  );
}

async function remove(hostName: string, options: Options & { yes: boolean }): Promise<void> {
  await using primary = await PrimaryClient.login(options);
  const endpoints = endpointsOf(primary);
  await savedEndpoint(endpoints, hostName);
  if (options.yes) await endpoints.remove(hostName);
  if (options.json) printJson({ hostName, removed: options.yes });
  else if (options.yes) printLine(`Removed ${hostName}.`);
  else printLine(`This would remove ${hostName} and end its connection; add --yes to do it.`);
}
