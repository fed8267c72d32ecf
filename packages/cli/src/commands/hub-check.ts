import { Command } from "commander";
import type { Check } from "@sallyport/agent";
import { reportChecks } from "../checks/print-checks.ts";
import type { HubSettings } from "@sallyport/hub";
import { Failure } from "../failure.ts";
import { readStartedSettings, startedSettingsPath } from "../started-settings.ts";
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
      "\nWith --data alone it takes the settings that a hub was last started with on that folder; otherwise give it those that the hub is\n" +
        "to be started with. Run it as the hub's user. It writes a probe into the data folder, removes it, and changes nothing else.\n" +
        "Exit code 1 when a check fails.\n" +
        "\nExamples:\n  $ sudo -u sallyport-hub sallyport hub check --data /var/lib/sallyport/hub\n" +
        "  $ sudo -u sallyport-hub sallyport hub check --config /etc/sallyport/hub.yaml    # before the hub is started with it\n",
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
    const { settings, found } = settingsOf(options);
    checks.push(pass("configuration", found));
    const primaries = options["primaries"] as number | undefined;
    checks.push(...(await checkHub(settings, { isLogChecked: options["logCheck"] !== false, primaries })));
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const found = error.message.split("\n").join("; ");
    checks.push(fail("configuration", found, "correct it; docs/configuration.md has every setting"));
  }
  return checks;
}

/** The settings that are given; where nothing but the folder is, those that a hub was last started with on it. @throws Failure */
function settingsOf(options: Record<string, unknown>): { settings: HubSettings; found: string } {
  const { settings, origins } = readHubSettings(options);
  const isFolderAlone = [...origins.keys()].every((path) => path === "data");
  const started = isFolderAlone ? readStartedSettings(settings.data) : undefined;
  if (started !== undefined) {
    const file = startedSettingsPath(settings.data);
    return {
      settings: started,
      found: `as a hub was last started on the folder (${file}): listens on ${started.listen}`,
    };
  }
  const given = origins.size === 1 ? "1 setting" : `${origins.size} settings`;
  const none = isFolderAlone ? "; no hub was started on the folder yet, so the rest are defaults" : "";
  return { settings, found: `readable and known, ${given} given${none}` };
}
