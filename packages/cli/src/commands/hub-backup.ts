import { Command } from "commander";
import { backUp, restore } from "@sallyport/hub";
import { printJson, printLine } from "../output/print.ts";
import { asked } from "./hub-failure.ts";

interface BackupFlags {
  data: string;
  to: string;
  withSecrets: boolean;
  json: boolean;
}

interface RestoreFlags {
  from: string;
  data: string;
  dryRun: boolean;
  json: boolean;
}

/** `sallyport hub backup`: a consistent copy of a hub's data, while it runs. */
export function backupCommand(): Command {
  return new Command("backup")
    .description("copy a hub's data folder, consistently and checked, while the hub runs or not")
    .requiredOption("--data <dir>", "the hub's data folder")
    .requiredOption("--to <dir>", "the backup: a folder that is not there yet")
    .option(
      "--with-secrets",
      "also certificates and keys of the data folder; guard the backup like them",
      false,
    )
    .option("--json", "print JSON", false)
    .addHelpText(
      "after",
      "\nExample:\n  $ sallyport hub backup --data /var/lib/sallyport/hub --to /backup/hub-1 --with-secrets\n",
    )
    .action(async ({ data, to, withSecrets, json }: BackupFlags) => {
      const { manifest, leftOut } = await asked(
        backUp({ dataDir: data, to, withSecrets, now: () => Date.now() }),
      );
      if (json) {
        printJson({ ...manifest, leftOut });
        return;
      }
      const { events, lastPosition } = manifest.log;
      printLine(`Backed up to ${to}: ${events} events up to position ${lastPosition}, checked.`);
      if (leftOut.length > 0) {
        printLine(`Not in it, for want of --with-secrets: ${leftOut.join(", ")}. Keep a copy elsewhere.`);
      }
    });
}

/** `sallyport hub restore`: a new data folder from a backup. */
export function restoreCommand(): Command {
  return new Command("restore")
    .description("make a new data folder from a backup; then start a hub on it")
    .requiredOption("--from <dir>", "the backup")
    .requiredOption("--data <dir>", "the new data folder: not there yet, or empty")
    .option("--dry-run", "check the backup and write nothing", false)
    .option("--json", "print JSON", false)
    .addHelpText(
      "after",
      "\nExample:\n  $ sallyport hub restore --from /backup/hub-1 --data /var/lib/sallyport/hub-new\n",
    )
    .action(async ({ from, data, dryRun, json }: RestoreFlags) => {
      const manifest = await asked(restore({ from, dataDir: data, dryRun, now: () => Date.now() }));
      if (json) {
        printJson(manifest);
        return;
      }
      const what = `${manifest.log.events} events, made ${manifest.madeAt}`;
      printLine(dryRun ? `The backup is whole: ${what}.` : `Restored to ${data}: ${what}.`);
      if (!manifest.hasSecrets) {
        printLine(
          "It has no certificates and keys: put tls/ and key files back before the hub starts, or primaries that pinned its certificate won't come back.",
        );
      }
      if (!dryRun) printLine("Never run the hub that was backed up and this one at the same time.");
    });
}
