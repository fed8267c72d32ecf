import { Command } from "commander";
import type { Check } from "@sallyport/agent";
import { reportChecks } from "../checks/print-checks.ts";
import { Failure } from "../failure.ts";
import { readHubSettings, withHubSettings } from "./hub-settings.ts";
import { wholeNumber } from "./option-values.ts";

/** `sallyport hub check`: what is wrong on the hub's own machine, and what to do. */
export function hubCheckCommand(): Command {
  const command = new Command("check").description(
    "check a hub on its own machine, running or not: settings, data folder, disk, log, certificate, public URL",
  );
  return withHubSettings(command)
    .option(
      "--primaries <n>",
      "primaries that the hub is to have (default: those that it knows)",
      wholeNumber,
    )
    .option("--no-log-check", "do not read the log through: it takes as long as reading the file")
    .option("--json", "print JSON", false)
    .addHelpText(
      "after",
      "\nGive it the settings that the hub is started with, and run it as the hub's user. It writes a probe into the data folder,\n" +
        "removes it, and changes nothing else. Exit code 1 when a check fails.\n" +
        "\nExample:\n  $ sudo -u sallyport sallyport hub check --config /etc/sallyport/hub.yaml\n",
    )
    .action(run);
}

async function run(options: Record<string, unknown>): Promise<void> {
  reportChecks(await checksOf(options), options["json"] === true);
}

async function checksOf(options: Record<string, unknown>): Promise<Check[]> {
  // Loaded only here: a hub that runs has no use for them.
  const { fail, pass } = await import("@sallyport/agent");
  const { checkHub } = await import("../checks/hub-check.ts");
  const { nodeCheck } = await import("../checks/machine-rules.ts");
  const checks = [nodeCheck(process.versions.node)];
  try {
    const { settings, origins } = readHubSettings(options);
    checks.push(pass("configuration", `readable and known, ${origins.size} settings given`));
    const primaries = options["primaries"] as number | undefined;
    checks.push(...(await checkHub(settings, { isLogChecked: options["logCheck"] !== false, primaries })));
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const found = error.message.split("\n").join("; ");
    checks.push(fail("configuration", found, "correct it; docs/configuration.md has every setting"));
  }
  return checks;
}
