import { once } from "node:events";
import { connect } from "node:net";
import type { EndpointTiming } from "@sallyport/conformance";
import { parseEndpointUrl } from "@sallyport/nbwss";
import { Command } from "commander";
import { fromEnvironment } from "../environment.ts";
import { Failure } from "../failure.ts";
import { CheckPrinter } from "../output/conformance-report.ts";
import { readCaFile, readSecret } from "../secrets.ts";
import {
  finish,
  hasListed,
  positive,
  seconds,
  withSuiteOptions,
  type SuiteOptions,
} from "./conformance-options.ts";

interface EndpointOptions extends SuiteOptions {
  tokenFile?: string;
  ca?: string;
  expectCommand?: number;
  maxMessageBytes?: number;
  answerTimeout?: number;
}

/** `sallyport conformance endpoint`: plays a primary. */
export function endpointSuiteCommand(): Command {
  return withSuiteOptions(new Command("endpoint").argument("[url]", "the endpoint, wss://HOST[:PORT]/PATH"))
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
}

const connectTimeoutMs = 10_000;

const endpointHelp = `
The token must be of a primary that is enrolled for this: the tests send notifications of jobs that never were.
Exit code: 0 when no MUST failed, 1 otherwise, 2 when nothing could be tried. A hub of Sallyport's own takes
messages of 72 MiB: add --max-message-bytes 75497472 for it. What is checked stands in docs/conformance.md.

Examples:
  $ sallyport conformance endpoint wss://hub1.cloud.example/nbwss --token-file token --ca hub-ca.pem
  $ sallyport conformance endpoint wss://hub1.cloud.example/nbwss --token-file token --only 'envelope.*'
  $ sallyport conformance endpoint wss://hub1.cloud.example/nbwss --token-file token --slow --expect-command 30 --json
`;

async function endpoint(url: string | undefined, options: EndpointOptions): Promise<void> {
  // Loaded only here, so that the other commands start quickly.
  const { endpointChecks, selectChecks, testEndpoint } = await import("@sallyport/conformance");
  const selected = selectChecks(endpointChecks, options.only);
  if (hasListed(selected, options)) return;
  if (url === undefined)
    throw new Failure("name the endpoint's URL, wss://HOST[:PORT]/PATH", { exitCode: 2 });
  const endpoint = endpointUrl(url);
  const token = readSecret("the token", "--token-file", options.tokenFile, "SALLYPORT_TOKEN");
  await requireListener(endpoint);
  const report = await testEndpoint({
    url: endpoint.href,
    token,
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

function endpointUrl(text: string): URL {
  try {
    return parseEndpointUrl(text);
  } catch (error) {
    throw new Failure((error as Error).message, { cause: error, exitCode: 2 });
  }
}

/** Where nobody listens, nothing can be said of NBWSS: each check would fail, for a reason that is not the endpoint's. */
async function requireListener({ hostname, port, host }: URL): Promise<void> {
  const socket = connect(port === "" ? 443 : Number(port), hostname.replace(/^\[|\]$/g, ""));
  try {
    await once(socket, "connect", { signal: AbortSignal.timeout(connectTimeoutMs) });
  } catch (error) {
    const why = (error as Error).name === "AbortError" ? "no answer in time" : (error as Error).message;
    throw new Failure(`${host} can't be reached, nothing was tried: ${why}`, { cause: error, exitCode: 2 });
  } finally {
    socket.destroy();
  }
}
