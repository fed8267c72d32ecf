import { Command } from "commander";
import { checkAsClient } from "../checks/client-check.ts";
import { nodeCheck } from "../checks/machine-rules.ts";
import { reportChecks } from "../checks/print-checks.ts";
import { findHub, type HubOptions } from "../client/hub-access.ts";
import { withHubOptions } from "./hub-options.ts";

/** `sallyport doctor`: why a client does not get on with its hub. */
export function doctorCommand(): Command {
  return withHubOptions(new Command("doctor"))
    .description(
      "check the way to the hub, its certificate, your API key, and which primaries are away and why",
    )
    .addHelpText(
      "after",
      "\nOn the hub's own machine: sallyport hub check. Exit code 1 when a check fails.\n" +
        "\nExample:\n  $ sallyport doctor --hub https://hub1.cloud.example:8443 --ca hub-ca.pem\n",
    )
    .action(async (options: HubOptions & { json: boolean }) => {
      const access = findHub(options);
      reportChecks([nodeCheck(process.versions.node), ...(await checkAsClient(access))], options.json);
    });
}
