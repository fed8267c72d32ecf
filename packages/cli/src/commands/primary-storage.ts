import { Command } from "commander";
import { exportRepositoryKey, recoverCatalogue, rotateRepositoryKey } from "@sallyport/primary";
import { becomeOwnerOf } from "../folder-owner.ts";
import { printJson, printLine } from "../output/print.ts";
import { openOutbox } from "../primary-server.ts";
import { told } from "./primary-failure.ts";
import { serverLog } from "../server-process.ts";

const dataOption = ["--data <dir>", "the primary's folder"] as const;
const unitOption = ["--storage-unit <name>", "whose repository is meant", "stu_local"] as const;

/** `sallyport primary key …`: the password of the repository, without which no image can be read. */
export function keyCommand(): Command {
  const command = new Command("key").description("the password that opens the primary's repository");
  command
    .command("export")
    .description("copy the password into a new file (mode 0600), to be kept elsewhere; the primary may run")
    .requiredOption(...dataOption)
    .requiredOption("--out <file>", "the file to make")
    .option(...unitOption)
    .option("--json", "print JSON", false)
    .addHelpText(
      "after",
      "\nExample:\n  $ sallyport primary key export --data /var/lib/sallyport/primary --out /media/safe/key\n",
    )
    .action(async (options: { data: string; out: string; storageUnit: string; json: boolean }) => {
      await told(
        exportRepositoryKey({ dataDir: options.data, storageUnit: options.storageUnit, file: options.out }),
      );
      if (options.json) printJson({ file: options.out });
      else
        printLine(
          `The password is in ${options.out}. Whoever has it and the repository can read every image.`,
        );
    });
  command
    .command("rotate")
    .description("give the repository of a stopped primary a new password; the old one no longer opens it")
    .requiredOption(...dataOption)
    .option(...unitOption)
    .option("--json", "print JSON", false)
    .addHelpText("after", "\nExample:\n  $ sallyport primary key rotate --data /var/lib/sallyport/primary\n")
    .action(async (options: { data: string; storageUnit: string; json: boolean }) => {
      becomeOwnerOf(options.data);
      const done = await told(
        rotateRepositoryKey({ dataDir: options.data, storageUnit: options.storageUnit }),
      );
      if (options.json) printJson(done);
      else
        printLine(
          "The repository has a new password. Export it again: copies of the old one are of no use any more.",
        );
    });
  return command;
}

/** `sallyport primary recover-catalog`: the catalogue anew from the repository. */
export function recoverCatalogCommand(): Command {
  return new Command("recover-catalog")
    .description("rebuild the catalogue of a stopped primary from its repositories alone")
    .requiredOption(...dataOption)
    .option("--dry-run", "only say what would be done", false)
    .option("--json", "print JSON", false)
    .addHelpText(
      "after",
      "\nIt needs storage/ in the folder: configuration.json, and of each storage unit the password. The database may be missing.\n" +
        "Images that are found again never expire by themselves; set their expiration dates anew.\n" +
        "\nExample:\n  $ sallyport primary recover-catalog --data /var/lib/sallyport/primary --dry-run\n",
    )
    .action(async (options: { data: string; dryRun: boolean; json: boolean }) => {
      becomeOwnerOf(options.data);
      const log = serverLog("primary", "error");
      const done = await told(
        recoverCatalogue({
          dataDir: options.data,
          log,
          dryRun: options.dryRun,
          journal: (database) => openOutbox(database, log),
        }),
      );
      if (done.unreachable.length > 0) process.exitCode = 1;
      if (options.json) return printJson({ ...done, dryRun: options.dryRun });
      const would = options.dryRun ? "would be " : "";
      printLine(
        `${done.recovered} images ${would}recovered, ${done.lost} that are gone ${would}taken out, ${done.removed} snapshots of unfinished jobs ${would}removed.`,
      );
      for (const { storageUnit, reason } of done.unreachable)
        printLine(`The storage unit ${storageUnit} could not be read: ${reason}`);
      printLine(`${done.images} images ${options.dryRun ? "are" : "are now"} in the catalogue.`);
    });
}
