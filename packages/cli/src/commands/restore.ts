import { posix } from "node:path";
import { Command } from "commander";
import type { RestoredPath } from "../client/cloud-application.ts";
import { Failure } from "../failure.ts";
import { printJson, printLine, printTable } from "../output/print.ts";
import { collect } from "./option-values.ts";
import { openApplication, report, withOrderOptions, type OrderOptions } from "./ordered-jobs.ts";

interface Options extends OrderOptions {
  path: string[];
  to?: string;
  destinationClient?: string;
  overwrite: boolean;
  dryRun: boolean;
}

/** `sallyport restore PRIMARY BACKUP-ID`: orders a restore through the hub, and waits for it. */
export function restoreCommand(): Command {
  return withOrderOptions(new Command("restore"))
    .description("restore files and folders of a backup image, and wait until it is done")
    .argument("<primary>", "name or id of the primary")
    .argument("<backup-id>", "the image, as sallyport images list shows it")
    .option("--path <path>", "a file or folder of the image; may be given several times", collect, [])
    .option("--to <folder>", "put them below this folder, under their whole path, instead of where they were")
    .option("--destination-client <name>", "the client that they go to; the one they are of, unless said")
    .option("--overwrite", "replace files that are there", false)
    .option("--dry-run", "show what would go where, and restore nothing", false)
    .addHelpText(
      "after",
      "\nCtrl-C ends the waiting, not the restore.\n" +
        "\nExamples:\n  $ sallyport restore branch-vienna db1_1795497467 --path /srv/data --to /srv/restored --dry-run\n" +
        "  $ sallyport restore branch-vienna db1_1795497467 --path /etc/fstab --overwrite\n" +
        "  $ sallyport restore branch-vienna db1_1795497480 --path /postgresql/shop.dump --to /srv/restore   # a database's dump\n",
    )
    .action(restore);
}

async function restore(primary: string, backupId: string, options: Options): Promise<void> {
  const { path: selected, to, destinationClient, overwrite, dryRun } = options;
  const paths = plan(selected, to);
  await openApplication(primary, options, async (application) => {
    const image = await application.image(backupId);
    const { clientName, originMasterServer } = image.attributes;
    const client = destinationClient ?? clientName;
    if (dryRun) {
      if (options.json) printJson({ backupId, client, overwrite, paths });
      else {
        printTable(
          ["from", "to"],
          paths.map(({ from, to: target = from }) => [from, target]),
          "nothing",
        );
        const existing = overwrite
          ? "files that are there would be replaced"
          : "files that are there would stay";
        printLine(`on ${client}, from ${backupId}; ${existing}. Nothing was restored.`);
      }
      return;
    }
    const server = originMasterServer ?? clientName;
    const id = await application.restore(image, paths, { server, destinationClient, overwrite });
    await report(application, { primary, title: "restore" }, [id], options);
  });
}

/** Where each path goes: below `to`, under the whole name that it had. */
function plan(selected: readonly string[], to: string | undefined): RestoredPath[] {
  if (selected.length === 0) {
    throw new Failure("say with --path what is to be restored; --path / is all of the image", {
      exitCode: 2,
    });
  }
  const relative = [...selected, ...(to === undefined ? [] : [to])].find((path) => !posix.isAbsolute(path));
  if (relative !== undefined) {
    throw new Failure(`"${relative}" has to be an absolute path, such as /srv/data`, { exitCode: 2 });
  }
  return selected.map((from) =>
    to === undefined ? { from } : { from, to: posix.resolve(to, `.${posix.resolve(from)}`) },
  );
}
