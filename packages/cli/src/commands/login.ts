import { Command } from "commander";
import { z } from "zod";
import { HubClient, type HubOptions } from "../client/hub-client.ts";
import { removeProfile, writeProfile } from "../client/profile.ts";
import { fromEnvironment } from "../environment.ts";
import { Failure } from "../failure.ts";
import { printJson, printLine } from "../output/print.ts";
import { readCaFile, readSecret } from "../secrets.ts";

interface Options extends HubOptions {
  json: boolean;
}

const session = z.looseObject({ name: z.string(), role: z.string() });

/** `sallyport login HUB`: keeps hub and API key for the commands that follow. */
export function loginCommand(): Command {
  return new Command("login")
    .description("keep a hub and an API key in a profile of yours, for the commands that follow")
    .argument("<hub>", "the hub, such as https://hub1.cloud.example:8443")
    .option(
      "--api-key-file <file>",
      "file that holds the API key (or SALLYPORT_API_KEY; otherwise it is asked for)",
    )
    .option("--ca <file>", "certificate of the hub's own authority, PEM (or SALLYPORT_CA)")
    .option("--json", "print JSON", false)
    .addHelpText(
      "after",
      "\nThe profile is ~/.config/sallyport/profile.json (or SALLYPORT_PROFILE), readable by you alone." +
        "\nOptions and environment variables come before it." +
        "\n\nExample:\n  $ sallyport login https://hub1.cloud.example:8443 --ca hub-ca.pem\n",
    )
    .action(login);
}

/** `sallyport logout`: forgets the profile. */
export function logoutCommand(): Command {
  return new Command("logout")
    .description("remove the profile that login made; the API key itself stays valid")
    .option("--json", "print JSON", false)
    .addHelpText("after", "\nExample:\n  $ sallyport logout\n")
    .action(({ json }: { json: boolean }) => {
      const removed = removeProfile();
      if (json) printJson({ removed });
      else printLine(removed ? "Removed the profile." : "There was no profile.");
    });
}

async function login(hub: string, options: Options): Promise<void> {
  const caPem = readCaFile(options.ca ?? fromEnvironment("SALLYPORT_CA"));
  const apiKey = await apiKeyOf(options);
  await using client = new HubClient(hub, apiKey, caPem);
  const { name, role } = await client.get("/api/v1/session", session);
  const file = writeProfile({ hub: client.origin, apiKey, ...(caPem === undefined ? {} : { caPem }) });
  if (options.json) printJson({ hub: client.origin, name, role, profile: file });
  else printLine(`Logged in to ${client.origin} as "${name}" (${role}); kept in ${file}.`);
}

async function apiKeyOf({ apiKeyFile }: Options): Promise<string> {
  const isGiven = apiKeyFile !== undefined || fromEnvironment("SALLYPORT_API_KEY") !== undefined;
  if (isGiven || !process.stdin.isTTY) {
    return readSecret("the API key", "--api-key-file", apiKeyFile, "SALLYPORT_API_KEY");
  }
  const { password } = await import("@inquirer/prompts");
  const apiKey = await password({ message: "API key:" });
  if (apiKey === "") throw new Failure("no API key was given", { exitCode: 2 });
  return apiKey;
}
