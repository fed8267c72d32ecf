import { existsSync, realpathSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { Command } from "commander";
import { startParts, type DemoParts } from "../demo/parts.ts";
import { playStory } from "../demo/story.ts";
import { Failure } from "../failure.ts";
import { printLine } from "../output/print.ts";
import { stopSignal } from "../server-process.ts";

interface Options {
  once: boolean;
  data: string;
  source?: string;
}

const repository = join(import.meta.dirname, "../../../..");

/** `sallyport demo`: everything at once, for real, on this machine's loopback. */
export function demoCommand(): Command {
  return new Command("demo")
    .description("run hub and primary on loopback and order a real backup through the firewall")
    .option("--once", "end after the story instead of staying up", false)
    .option(
      "--data <dir>",
      "folder for everything that the demo keeps; a second run continues there",
      ".demo",
    )
    .option("--source <dir>", "what to back up (else the repository's own packages and docs)")
    .addHelpText("after", "\nExample:\n  $ npm run demo -- --once --source /etc\n")
    .action(run);
}

async function run(options: Options): Promise<void> {
  const folders = sourceFolders(options.source);
  const dir = resolve(options.data);
  const interrupted = stopSignal().then(() => "interrupted" as const);
  printLine(
    "1. Start hub and primary, each a process of its own\n2. Enrol the primary, add the endpoint on it",
  );
  await using parts = await startParts(dir);
  const story = playStory(parts, folders, dir).then(() => "told" as const);
  if ((await Promise.race([story, interrupted])) === "interrupted") {
    throw new Failure("interrupted", { exitCode: 130 });
  }
  if (options.once) return;
  describe(parts, dir);
  await interrupted;
  printLine("\nStopping the primary, then the hub.");
}

function sourceFolders(source: string | undefined): string[] {
  const folders =
    source === undefined ? [join(repository, "packages"), join(repository, "docs")] : [resolve(source)];
  for (const folder of folders) {
    if (!existsSync(folder) || !statSync(folder).isDirectory()) {
      throw new Failure(`--source has to be an existing folder, ${folder} is none`, { exitCode: 2 });
    }
  }
  return folders.map((folder) => realpathSync(folder));
}

function describe({ hubUrl, hubCaFile, primaryUrl, primaryCaFile, primaryId }: DemoParts, dir: string): void {
  const keyFile = join(dir, "demo.json");
  printLine("\nBoth stay up; Ctrl-C ends them.");
  printLine(`  console  ${hubUrl}/   (sign in with the adminKey in ${keyFile})`);
  printLine(`  hub CA   ${hubCaFile}`);
  printLine(`  primary  ${primaryUrl}/netbackup/ping   (CA ${primaryCaFile})`);
  printLine("\nTry, in another terminal:");
  printLine(
    `  sed -n 's/.*"adminKey": "\\(.*\\)".*/header = "Authorization: Bearer \\1"/p' ${keyFile} |\n` +
      `    curl -sS --cacert ${hubCaFile} --config - ${hubUrl}/api/v1/primaries/${primaryId}/netbackup/ping`,
  );
}
