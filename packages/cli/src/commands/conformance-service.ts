import type { EndpointDetails, ServiceTiming } from "@sallyport/conformance";
import { parseEndpointUrl } from "@sallyport/nbwss";
import { Command } from "commander";
import { fromEnvironment } from "../environment.ts";
import { Failure } from "../failure.ts";
import { parseListenAddress } from "../listen-address.ts";
import { CheckPrinter } from "../output/conformance-report.ts";
import { printJson, printLine } from "../output/print.ts";
import { readSecret } from "../secrets.ts";
import {
  finish,
  hasListed,
  positive,
  seconds,
  withSuiteOptions,
  type SuiteOptions,
} from "./conformance-options.ts";
import { readTlsFiles } from "./hub-tls.ts";

interface ServiceOptions extends SuiteOptions {
  listen: string;
  publicUrl?: string;
  data?: string;
  tlsCert?: string;
  tlsKey?: string;
  tokenFile?: string;
  notificationTimeout?: number;
  dialTimeout?: number;
  reconnectTimeout?: number;
  maxMessageBytes?: number;
}

/** `sallyport conformance service`: plays a cloud application. */
export function serviceSuiteCommand(): Command {
  return withSuiteOptions(new Command("service"))
    .description("play a strict cloud application for a primary that dials this machine")
    .option("--listen <host:port>", "where to listen", "127.0.0.1:8443")
    .option("--public-url <url>", "wss://HOST[:PORT]/nbwss as the primary reaches it, when that differs")
    .option("--data <dir>", "folder for an authority and a certificate of its own")
    .option("--tls-cert <file>", "server certificate, PEM, in place of --data")
    .option("--tls-key <file>", "its private key, PEM")
    .option(
      "--token-file <file>",
      "file that holds the token to give out (or SALLYPORT_TOKEN); else it is made",
    )
    .option("--notification-timeout <seconds>", "wait so long for each notification of the primary", seconds)
    .option("--dial-timeout <seconds>", "how long the first connection may take (default 600)", seconds)
    .option("--reconnect-timeout <seconds>", "how long coming back may take (default 180)", seconds)
    .option(
      "--max-message-bytes <n>",
      "the largest message that the primary takes (default 8388608)",
      positive,
    )
    .addHelpText("after", serviceHelp)
    .action(service);
}

const serviceHelp = `
Prints the endpoint details for the primary's administrator, waits for the primary to dial, and tries it. A primary with
NetBackup's own settings takes up to a minute to come back after each check that ends the connection: allow half an hour.
What --notification-timeout makes it try needs a backup that the primary runs meanwhile; these notifications are
acknowledged and thrown away, so use a server group that nobody else needs.
With --json, standard output has two documents: the endpoint details, then the report.
Exit code: 0 when no MUST failed, 1 otherwise. What is checked stands in docs/conformance.md.

Examples:
  $ sallyport conformance service --listen 0.0.0.0:8443 --public-url wss://test.cloud.example:8443/nbwss --data ./conformance
  $ sallyport conformance service --listen 0.0.0.0:8443 --tls-cert cert.pem --tls-key key.pem --slow --notification-timeout 300
`;

async function service(options: ServiceOptions): Promise<void> {
  const { PrimaryListener, selectChecks, serviceChecks, testService } =
    await import("@sallyport/conformance");
  const selected = selectChecks(serviceChecks, options.only);
  if (hasListed(selected, options)) return;
  const { publicUrl, data, tokenFile } = options;
  const hasToken = tokenFile !== undefined || fromEnvironment("SALLYPORT_TOKEN") !== undefined;
  const { tlsCert: cert, tlsKey: key } = options;
  if ((cert === undefined) !== (key === undefined)) {
    throw new Failure("--tls-cert and --tls-key belong together", { exitCode: 2 });
  }
  const tls = readTlsFiles({ cert, key });
  if (tls === undefined && data === undefined) {
    throw new Failure("name --tls-cert and --tls-key, or a folder with --data to make a certificate in", {
      exitCode: 2,
    });
  }
  await using listener = await PrimaryListener.start({
    ...parseListenAddress(options.listen),
    publicUrl: publicUrl === undefined ? undefined : parseEndpointUrl(publicUrl).href,
    tls,
    dataDir: data,
    token: hasToken ? readSecret("the token", "--token-file", tokenFile, "SALLYPORT_TOKEN") : undefined,
  });
  showDetails(listener.details, listener.caFile, options.json);
  const report = await testService({
    listener,
    timing: serviceTiming(options),
    slow: options.slow,
    only: options.only,
    progress: new CheckPrinter(options.json),
  });
  finish(report, options);
}

function showDetails(details: EndpointDetails, caFile: string | undefined, json: boolean): void {
  if (!json) printLine("Endpoint details, to be added and activated on the primary:");
  printJson(details);
  if (caFile !== undefined && !json) printLine(`The primary has to trust ${caFile}.`);
}

function serviceTiming(options: ServiceOptions): Partial<ServiceTiming> {
  const { notificationTimeout, dialTimeout, reconnectTimeout, maxMessageBytes } = options;
  return {
    ...(notificationTimeout === undefined ? {} : { notificationMs: notificationTimeout }),
    ...(dialTimeout === undefined ? {} : { dialMs: dialTimeout }),
    ...(reconnectTimeout === undefined ? {} : { reconnectMs: reconnectTimeout }),
    ...(maxMessageBytes === undefined ? {} : { maxMessageBytes }),
  };
}
