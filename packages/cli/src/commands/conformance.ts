import { Command } from "commander";
import { parseEndpointUrl } from "@sallyport/nbwss";
import type { EndpointTiming, Report } from "@sallyport/conformance";
import { Failure } from "../failure.ts";
import { CheckPrinter, printChecks, printReport } from "../output/conformance-report.ts";
import { readCaFile, readSecret } from "../secrets.ts";
import { fromEnvironment } from "../environment.ts";

/** What both suites are asked for. */
interface SuiteOptions {
  only?: string;
  list: boolean;
  slow: boolean;
  json: boolean;
}

interface EndpointOptions extends SuiteOptions {
  tokenFile?: string;
  ca?: string;
  expectCommand?: number;
  maxMessageBytes?: number;
  answerTimeout?: number;
}

/** `sallyport conformance …`: whether a cloud endpoint or a primary keeps the rules of NBWSS 1.0. */
export function conformanceCommand(): Command {
  const command = new Command("conformance").description(
    "find out whether a cloud endpoint or a primary keeps the rules of NBWSS 1.0",
  );
  withSuiteOptions(command.command("endpoint").argument("[url]", "the endpoint, wss://HOST[:PORT]/PATH"))
    .description("play a strict primary against a cloud endpoint")
    .option(
      "--token-file <file>",
      "file that holds a token of a primary that is for tests (or SALLYPORT_TOKEN)",
    )
    .option("--ca <file>", "authority of the endpoint's certificate, PEM, beside those that the system knows")
    .option("--expect-command <seconds>", "wait so long for each command of the cloud application", seconds)
    .option("--answer-timeout <seconds>", "how long an answer may take (default 10)", seconds)
    .option(
      "--max-message-bytes <n>",
      "the largest message that the endpoint takes (default 8388608)",
      positive,
    )
    .addHelpText("after", endpointHelp)
    .action(endpoint);
  return command;
}

const endpointHelp = `
The token must be of a primary that is enrolled for this: the tests send notifications of jobs that never were.
Exit code: 0 when no MUST failed, 1 otherwise. What is checked stands in docs/conformance.md.

Examples:
  $ sallyport conformance endpoint wss://hub1.cloud.example/nbwss --token-file token --ca hub-ca.pem
  $ sallyport conformance endpoint wss://hub1.cloud.example/nbwss --token-file token --only 'envelope.*'
  $ sallyport conformance endpoint wss://hub1.cloud.example/nbwss --token-file token --slow --expect-command 30 --json
`;

function withSuiteOptions(command: Command): Command {
  return command
    .option("--only <pattern>", "only the checks whose name holds this, or matches it with *")
    .option("--list", "list the checks and run none", false)
    .option("--slow", "run those too that wait for minutes", false)
    .option("--json", "print the report as JSON; progress goes to standard error", false);
}

async function endpoint(url: string | undefined, options: EndpointOptions): Promise<void> {
  // Loaded only here, so that the other commands start quickly.
  const { endpointChecks, selectChecks, testEndpoint } = await import("@sallyport/conformance");
  const selected = selectChecks(endpointChecks, options.only);
  if (selected.length === 0) throw noCheck(options.only);
  if (options.list) {
    printChecks(selected, options.json);
    return;
  }
  if (url === undefined)
    throw new Failure("name the endpoint's URL, wss://HOST[:PORT]/PATH", { exitCode: 2 });
  const report = await testEndpoint({
    url: parseEndpointUrl(url).href,
    token: readSecret("the token", "--token-file", options.tokenFile, "SALLYPORT_TOKEN"),
    ca: readCaFile(options.ca ?? fromEnvironment("SALLYPORT_CA")),
    timing: endpointTiming(options),
    slow: options.slow,
    only: options.only,
    progress: new CheckPrinter(options.json),
  });
  finish(report, options);
}

function endpointTiming(options: EndpointOptions): Partial<EndpointTiming> {
  const { expectCommand, maxMessageBytes, answerTimeout } = options;
  return {
    ...(expectCommand === undefined ? {} : { commandMs: expectCommand }),
    ...(answerTimeout === undefined ? {} : { answerMs: answerTimeout }),
    ...(maxMessageBytes === undefined ? {} : { maxMessageBytes }),
  };
}

function finish(report: Report, { json }: SuiteOptions): void {
  printReport(report, json);
  if (report.summary.failedMust > 0) process.exitCode = 1;
}

function noCheck(only = ""): Failure {
  return new Failure(`no check has a name like "${only}"; see them with --list`, { exitCode: 2 });
}

function positive(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text))
    throw new Failure(`"${text}" is no whole number from 1 on`, { exitCode: 2 });
  return Number(text);
}

/** Seconds as ms. */
function seconds(text: string): number {
  const number = /^\d{1,5}(?:\.\d{1,3})?$/.test(text) ? Number(text) : 0;
  if (number === 0) throw new Failure(`"${text}" is no number of seconds`, { exitCode: 2 });
  return Math.ceil(number * 1000);
}
