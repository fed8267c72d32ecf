import { Command, InvalidArgumentError } from "commander";
import {
  addStorage,
  checkStorage,
  limits,
  listStorage,
  removeStorage,
  type StorageOverview,
} from "@sallyport/primary";
import { becomeOwnerOf } from "../folder-owner.ts";
import { Failure } from "../failure.ts";
import { printJson, printLine, printTable } from "../output/print.ts";
import { told } from "./primary-failure.ts";
import {
  readFirstLines,
  readPublicText,
  readSecretText,
  readSshHostKeys,
  readSshServer,
  splitUrl,
} from "./storage-locations.ts";

const dataOption = ["--data <dir>", "the primary's folder; the primary may run"] as const;
const jsonOption = ["--json", "print JSON", false] as const;

interface Common {
  data: string;
  json: boolean;
}

interface AddOptions extends Common {
  disk?: string;
  sftp?: string;
  s3?: string;
  rest?: string;
  rclone?: string;
  identity?: string;
  hostKey?: string;
  loginFile?: string;
  rcloneConfig?: string;
  ca?: string;
  region?: string;
  keyFile?: string;
  takeOver: boolean;
  check: boolean;
  maxJobs?: number;
  worm: boolean;
  onDemandOnly: boolean;
}

/** `sallyport primary storage …`: where a primary's backups may lie. */
export function storageCommand(): Command {
  const command = new Command("storage").description(
    "where the primary's backups may lie: its storage units",
  );
  command
    .command("list")
    .description("list the storage units; the storage itself is not looked at")
    .requiredOption(...dataOption)
    .option(...jsonOption)
    .addHelpText(
      "after",
      "\nExample:\n  $ sallyport primary storage list --data /var/lib/sallyport/primary\n",
    )
    .action(list);
  command
    .command("add <name>")
    .description("add a storage unit, and make or open its repository; name one place")
    .requiredOption(...dataOption)
    .option("--disk <folder>", "an empty folder of this machine, or one with a repository of restic")
    .option("--sftp <url>", "sftp://USER@HOST[:PORT]/FOLDER, with --identity and --host-key")
    .option("--s3 <url>", "https://ENDPOINT/BUCKET[/PREFIX], with --login-file")
    .option("--rest <url>", "https://HOST[:PORT]/FOLDER of a REST server of restic, with --login-file")
    .option("--rclone <remote:path>", "by rclone, with --rclone-config")
    .option("--identity <file>", "SFTP: the private key, without a passphrase; it is copied")
    .option("--host-key <file>", "SFTP: the server's public key, as a .pub file or lines of known_hosts")
    .option(
      "--login-file <file>",
      "S3 and REST: access key id or user in line 1, secret or password in line 2",
    )
    .option("--rclone-config <file>", "the configuration with that remote; it is copied")
    .option("--ca <file>", "S3 and REST: authority of the server's certificate")
    .option("--region <name>", "S3: region of the bucket")
    .option("--key-file <file>", "the password of a repository that is there already")
    .option(
      "--take-over",
      "also one that bears another primary's mark: that one can't use it any more",
      false,
    )
    .option("--max-jobs <n>", `jobs at once, 1 to ${limits.maxJobsOfStorageUnit}`, jobCount)
    .option("--worm", "images are immutable until they expire", false)
    .option("--on-demand-only", "only for policies that name it", false)
    .option("--no-check", "don't reach for it now: the first job makes or opens the repository")
    .option(...jsonOption)
    .addHelpText(
      "after",
      "\nA server's public key: ssh-keyscan -t ed25519 HOST >host-key, then compare its fingerprint (ssh-keygen -lf host-key) with the server's.\n" +
        "\nExamples:\n" +
        "  $ sallyport primary storage add offsite --data /var/lib/sallyport/primary --sftp sftp://backup@nas.example/srv/backup --identity id_backup --host-key host-key\n" +
        "  $ sallyport primary storage add cloud --data /var/lib/sallyport/primary --s3 https://s3.eu-central-1.amazonaws.com/my-backups/vienna --login-file s3-keys --worm\n" +
        "  $ sallyport primary storage add second --data /var/lib/sallyport/primary --disk /mnt/backup --json\n",
    )
    .action(add);
  command
    .command("check <name>")
    .description("reach for a storage unit as a job would; exit code 1 when it is down")
    .requiredOption(...dataOption)
    .option(...jsonOption)
    .addHelpText(
      "after",
      "\nExample:\n  $ sallyport primary storage check offsite --data /var/lib/sallyport/primary\n",
    )
    .action(check);
  command
    .command("remove <name>")
    .description("remove a storage unit that holds no images, with its credentials and its repository's key")
    .requiredOption(...dataOption)
    .option("--dry-run", "only say what would be removed, and what is in the way", false)
    .option(...jsonOption)
    .addHelpText(
      "after",
      "\nWhat lies on the storage itself is not touched.\n" +
        "\nExample:\n  $ sallyport primary storage remove offsite --data /var/lib/sallyport/primary --dry-run\n",
    )
    .action(remove);
  return command;
}

async function list({ data, json }: Common): Promise<void> {
  becomeOwnerOf(data);
  const units = await told(listStorage({ dataDir: data }));
  if (json) return printJson(units);
  printTable(
    ["name", "kind", "where", "images", "jobs at once", "rules"],
    units.map((unit) => [
      unit.name,
      unit.kind,
      unit.location,
      String(unit.images),
      String(unit.maxConcurrentJobs),
      rulesOf(unit),
    ]),
    "There are no storage units.",
  );
}

function rulesOf({ useWorm, onDemandOnly }: StorageOverview): string {
  return [...(useWorm ? ["immutable"] : []), ...(onDemandOnly ? ["on demand only"] : [])].join(", ");
}

async function add(name: string, options: AddOptions): Promise<void> {
  const { maxJobs, worm: useWorm, onDemandOnly, keyFile } = options;
  const place = placeOf(options);
  const key = keyFile === undefined ? undefined : readFirstLines(keyFile, "--key-file", 1)[0];
  becomeOwnerOf(options.data);
  const added = await told(
    addStorage(
      { dataDir: options.data },
      {
        name,
        ...place,
        settings: {
          useWorm,
          onDemandOnly,
          ...(maxJobs === undefined ? {} : { maxConcurrentJobs: maxJobs }),
        },
        key,
        takesOver: options.takeOver,
        opens: options.check,
      },
    ),
  );
  if (options.json) return printJson(added);
  printLine(
    `The storage unit ${name} is added: ${added.location}. A policy uses it by "storage": "${name}".`,
  );
  printLine(
    `Without its key nobody can read it: sallyport primary key export --storage-unit ${name} --data ${options.data} --out FILE`,
  );
}

/** Which place the options name, with what opens it. */
function placeOf(options: AddOptions): { server: unknown; volume: string } {
  const { disk, sftp, s3, rest, rclone, ca } = options;
  const named = [disk, sftp, s3, rest, rclone].filter((place) => place !== undefined);
  if (named.length !== 1) {
    throw new Failure("name one place: --disk, --sftp, --s3, --rest or --rclone", { exitCode: 2 });
  }
  const caPem = ca === undefined ? {} : { caPem: readPublicText(ca, "--ca") };
  if (disk !== undefined) return { server: undefined, volume: disk };
  if (sftp !== undefined) {
    const { volume, ...server } = readSshServer(sftp);
    const hostKeys = readSshHostKeys(readPublicText(needed(options.hostKey, "--host-key"), "--host-key"));
    const privateKey = readSecretText(needed(options.identity, "--identity"), "--identity");
    return { server: { kind: "sftp", ...server, hostKeys, privateKey }, volume };
  }
  if (rclone !== undefined) {
    const config = readSecretText(needed(options.rcloneConfig, "--rclone-config"), "--rclone-config");
    return { server: { kind: "rclone", config }, volume: rclone };
  }
  const { origin, path } = splitUrl(s3 ?? rest ?? "");
  const [first = "", second = ""] = readFirstLines(
    needed(options.loginFile, "--login-file"),
    "--login-file",
    2,
  );
  if (rest !== undefined) {
    return { server: { kind: "rest", url: origin, user: first, password: second, ...caPem }, volume: path };
  }
  const region = options.region === undefined ? {} : { region: options.region };
  const keys = { accessKeyId: first, secretAccessKey: second };
  return { server: { kind: "s3", endpoint: origin, ...keys, ...region, ...caPem }, volume: path };
}

async function check(name: string, { data, json }: Common): Promise<void> {
  becomeOwnerOf(data);
  const found = await told(checkStorage({ dataDir: data }, name));
  const { state, reason, location, images, freeBytes } = found;
  if (json) printJson(found);
  else if (state === "UP") {
    const free = freeBytes === undefined ? "" : `, ${Math.floor(freeBytes / 1024 ** 2)} MiB free`;
    printLine(`The storage unit ${name} is up: ${location}, ${images} images${free}.`);
  } else printLine(`The storage unit ${name} is down: ${reason}`);
  if (state !== "UP") process.exitCode = 1;
}

async function remove(name: string, options: Common & { dryRun: boolean }): Promise<void> {
  const { dryRun, json, data } = options;
  becomeOwnerOf(data);
  const { location, obstacles } = await told(removeStorage({ dataDir: data }, name, { dryRun }));
  if (json) printJson({ location, obstacles, dryRun });
  else if (obstacles.length > 0) {
    printLine(`The storage unit ${name} can't be removed: ${obstacles.join("; ")}.`);
  } else {
    const is = dryRun ? "would be" : "is";
    printLine(`The storage unit ${name} ${is} removed, with its credentials and its repository's key.`);
    printLine(`What lies at ${location} stays there; delete it yourself.`);
  }
  if (obstacles.length > 0) process.exitCode = 1;
}

function needed(value: string | undefined, option: string): string {
  if (value !== undefined) return value;
  throw new Failure(`this place needs ${option} as well`, { exitCode: 2 });
}

function jobCount(text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1 && count <= limits.maxJobsOfStorageUnit) return count;
  throw new InvalidArgumentError(`It has to be from 1 to ${limits.maxJobsOfStorageUnit}.`);
}
