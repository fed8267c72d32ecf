import { Command } from "commander";
import { rebuildViews, verifyViews, type RebuildOptions } from "@sallyport/hub";
import { Failure } from "../failure.ts";
import { printJson, printLine } from "../output/print.ts";
import { Progress } from "../output/progress.ts";
import { serverLog } from "../server-process.ts";
import { asked } from "./hub-failure.ts";
import { readHubSettings, withHubSettings } from "./hub-settings.ts";

/** `sallyport hub rebuild-views`: what lists and filters read, made anew from the log. */
export function rebuildViewsCommand(): Command {
  const command = new Command("rebuild-views").description(
    "make the views of a stopped hub anew from its log; or compare them with it",
  );
  return withHubSettings(command)
    .option("--verify", "change nothing: say whether the views are what the log makes of them", false)
    .option("--json", "print JSON", false)
    .addHelpText(
      "after",
      "\nThe limits have to be those that the hub is started with.\n" +
        "\nExample:\n  $ sallyport hub rebuild-views --data /var/lib/sallyport/hub --verify\n",
    )
    .action(run);
}

async function run(options: Record<string, unknown>): Promise<void> {
  const { settings } = readHubSettings(options);
  const json = options["json"] === true;
  const progress = json ? undefined : new Progress("events");
  const rebuild: RebuildOptions = {
    dataDir: settings.data,
    limits: settings.limits,
    logger: serverLog("hub", "error"),
    onProgress: (position, last) =>
      progress?.update(last === 0 ? 100 : (100 * position) / last, `${position}`),
  };
  try {
    if (options["verify"] === true) await verify(rebuild, json, progress);
    else {
      const { position } = await asked(rebuildViews(rebuild));
      progress?.[Symbol.dispose]();
      if (json) printJson({ position });
      else printLine(`The views are rebuilt, up to position ${position} of the log.`);
    }
  } finally {
    progress?.[Symbol.dispose]();
  }
}

async function verify(rebuild: RebuildOptions, json: boolean, progress: Progress | undefined): Promise<void> {
  const { position, difference, nothingToCompare } = await asked(verifyViews(rebuild));
  progress?.[Symbol.dispose]();
  if (json) {
    printJson({ position, difference: difference ?? null, nothingToCompare: nothingToCompare ?? null });
  } else if (nothingToCompare !== undefined) {
    printLine(`There was nothing to compare: ${nothingToCompare}. The views were made anew.`);
  } else if (difference === undefined) {
    printLine(`The views are what the log makes of them, up to position ${position}.`);
  }
  if (difference !== undefined) {
    throw new Failure(
      `the views differ from the log: ${difference}; run "sallyport hub rebuild-views" without --verify, and report it`,
    );
  }
}
