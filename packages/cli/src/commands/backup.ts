import { Command } from "commander";
import { openApplication, report, withOrderOptions, type OrderOptions } from "./ordered-jobs.ts";

interface Options extends OrderOptions {
  client?: string;
  schedule?: string;
}

/** `sallyport backup PRIMARY POLICY`: orders a backup through the hub, and waits for it. */
export function backupCommand(): Command {
  return withOrderOptions(new Command("backup"))
    .description("back up now what a policy of a primary says, and wait until it is done")
    .argument("<primary>", "name or id of the primary")
    .argument("<policy>", "name of the policy")
    .option("--client <name>", "only this client of the policy")
    .option("--schedule <name>", "by this schedule of the policy")
    .addHelpText(
      "after",
      "\nCtrl-C ends the waiting, not the backup. The exit code is 0 when each job ends with status 0 or 1 (partially successful).\n" +
        "\nExamples:\n  $ sallyport backup branch-vienna nightly --user backupadmin\n  $ sallyport backup branch-vienna nightly --client db1 --no-wait --json\n",
    )
    .action(backup);
}

async function backup(primary: string, policy: string, options: Options): Promise<void> {
  await openApplication(primary, options, async (application) => {
    const choice = { clientName: options.client, scheduleName: options.schedule };
    await report(
      application,
      { primary, title: "backup" },
      await application.backUpAll(policy, choice),
      options,
    );
  });
}
