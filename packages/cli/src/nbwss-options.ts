import type { Command } from "commander";
import type { NbwssProperties, NbwssService, PropertiesFile } from "@sallyport/agent";
import type { ProxyEnvironment } from "@sallyport/nbwss";
import type { Logger } from "pino";
import { fromEnvironment } from "./environment.ts";
import { Failure } from "./failure.ts";
import { loadGuardRules } from "./guard-rules-file.ts";
import { readCaFile, readSecret } from "./secrets.ts";

/** The options that primary and lone agent share: how they reach the cloud side, and what that may do. */
export interface NbwssOptions {
  ca?: string;
  nbwssProperties?: string;
  proxy?: string;
  proxyCredentialFile?: string;
  guardRules?: string;
  readOnly?: boolean;
}

const credentialVariable = "SALLYPORT_PROXY_CREDENTIAL";

/** Adds those options. */
export function withNbwssOptions(command: Command): Command {
  return command
    .option("--ca <file>", "authority of the cloud endpoints, PEM, beside those that the system knows")
    .option("--nbwss-properties <file>", "nbwss.properties, as NetBackup has it; read again when it changes")
    .option(
      "--proxy <url>",
      "HTTP proxy on the way to the endpoints (or HTTPS_PROXY; NO_PROXY names exceptions: hosts, domains, addresses, networks)",
    )
    .option(
      "--proxy-credential-file <file>",
      `file that holds USER:PASSWORD for the proxy (or ${credentialVariable})`,
    )
    .option(
      "--guard-rules <file>",
      "what the cloud may do (sallyport guard); read again when it changes; without it the default rules hold",
    )
    .option("--read-only", "the cloud may look, and nothing else");
}

/** What those options say. @throws Failure */
export async function readNbwssOptions(options: NbwssOptions, log: Logger) {
  const { nbwssProperties, guardRules, readOnly } = options;
  // Before anything is started or made: a server whose rules are wrong must not come up with others.
  if (guardRules !== undefined) await loadGuardRules(guardRules, readOnly === true);
  const file = nbwssProperties === undefined ? undefined : await openProperties(nbwssProperties, log);
  return {
    endpointCaPem: readCaFile(options.ca),
    proxy: proxyOf(options),
    properties: file?.current,
    guardRulesFile: guardRules,
    readOnly,
    /** Lets a running service follow its file, and try at once on SIGHUP. */
    follow: (service: Pick<NbwssService, "setProperties" | "reconnect">): void => {
      const changed = (properties: NbwssProperties) => service.setProperties(properties);
      file?.watch(changed);
      // At a terminal it means that the window has gone: the server ends with it.
      if (process.stderr.isTTY) return;
      process.on("SIGHUP", () => {
        file?.reload(changed);
        void service.reconnect();
      });
    },
  };
}

async function openProperties(file: string, log: Logger): Promise<PropertiesFile> {
  // Loaded only here, so that the client commands start quickly.
  const { PropertiesFile } = await import("@sallyport/agent");
  try {
    return new PropertiesFile(file, log);
  } catch (error) {
    throw new Failure(`nbwss.properties can't be read: ${(error as Error).message}`, {
      cause: error,
      exitCode: 2,
    });
  }
}

function proxyOf(options: NbwssOptions): ProxyEnvironment | undefined {
  const named = options.proxy ?? fromEnvironment("HTTPS_PROXY") ?? fromEnvironment("https_proxy");
  if (named === undefined) return undefined;
  const url = URL.canParse(named) ? new URL(named) : undefined;
  if (url === undefined || !["http:", "https:"].includes(url.protocol)) {
    throw new Failure("the proxy has to be http://HOST:PORT", { exitCode: 2 });
  }
  if (options.proxy !== undefined && url.password !== "") {
    const message =
      "a password in --proxy can be read by every user of the machine: name its file with --proxy-credential-file";
    throw new Failure(message, { exitCode: 2 });
  }
  const file = options.proxyCredentialFile;
  if (file !== undefined || fromEnvironment(credentialVariable) !== undefined) {
    const text = readSecret("the proxy's credential", "--proxy-credential-file", file, credentialVariable);
    const at = text.indexOf(":");
    if (at < 1) throw new Failure("the proxy's credential has to be USER:PASSWORD", { exitCode: 2 });
    url.username = encodeURIComponent(text.slice(0, at));
    url.password = encodeURIComponent(text.slice(at + 1));
  }
  const NO_PROXY = fromEnvironment("NO_PROXY") ?? fromEnvironment("no_proxy");
  return { HTTPS_PROXY: url.href, NO_PROXY };
}
