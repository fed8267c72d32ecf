import { resolve } from "node:path";
import { Command } from "commander";
import {
  checkClient,
  clientFile,
  fingerprintOf,
  hostKeySchema,
  registerClient,
  scanHostKeys,
  sshClientSchema,
  type ClientCheck,
  type SshClient,
} from "@sallyport/primary";
import { Failure } from "../failure.ts";
import { printJson, printLine, visible } from "../output/print.ts";
import { addListAndRemove, checked, common, told, type PremisesOptions } from "./primary-premises.ts";

interface AddOptions extends PremisesOptions {
  ssh: string;
  key: string;
  hostKey?: string;
  repository?: string;
}

/** `sallyport primary client …`: other machines that are backed up over SSH. */
export function clientCommand(): Command {
  const command = new Command("client").description(
    "other machines that are backed up over SSH; no call of the API can add one",
  );
  common(command.command("add <name>"))
    .description("let policies back up a machine under a name")
    .requiredOption("--ssh <user@host:port>", "where its sshd is, and as whom to log in there")
    .requiredOption("--key <file>", "private key that opens it, without a passphrase; mode 0600")
    .option(
      "--host-key <SHA256:…>",
      "its host key's fingerprint, or the public key itself; without it, those that it shows are printed",
    )
    .option(
      "--repository <folder>",
      "where its repository is to lie, on another disk say; in the data folder unless given",
    )
    .addHelpText(
      "after",
      "\nOn the client, see its fingerprint with: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub\n" +
        "and let the key in, for nothing but commands: restrict ssh-ed25519 AAAA…    (in authorized_keys). It needs restic 0.14 or later.\n" +
        "\nExample:\n  $ sallyport primary client add web1 --data /var/lib/sallyport/primary --ssh root@web1.example:22 --key /etc/sallyport/web1 --host-key SHA256:…\n",
    )
    .action(add);
  common(command.command("check <name>"))
    .description("connect to a client and say what it is and has; exit code 1 when it could not be backed up")
    .addHelpText(
      "after",
      "\nExample:\n  $ sallyport primary client check web1 --data /var/lib/sallyport/primary\n",
    )
    .action(async (name: string, options: PremisesOptions) => {
      const client = await told(() => clientFile(options.data).find(name));
      if (client === undefined) throw new Failure(`there is no client "${name}"`);
      report(client.name, await checkClient(options.data, client), options);
    });
  const row = ({ name, user, host, port, hostKey }: SshClient) => [
    name,
    `${user}@${host}:${port}`,
    fingerprintOf(hostKey),
  ];
  const head = ["name", "ssh", "host key"];
  addListAndRemove(command, { noun: "client", open: clientFile, head, row });
  return command;
}

async function add(name: string, options: AddOptions): Promise<void> {
  const [, user, host = "", port = "22"] =
    /^([^@]+)@(?:\[)?([^@\]]+?)(?:\])?(?::(\d{1,5}))?$/.exec(options.ssh) ?? [];
  if (user === undefined) throw new Failure("--ssh has to be USER@HOST or USER@HOST:PORT", { exitCode: 2 });
  const entry = {
    name,
    user,
    host,
    port: Number(port),
    keyFile: resolve(options.key),
  };
  checked(sshClientSchema.omit({ hostKey: true }), entry);
  const folder = options.repository === undefined ? undefined : resolve(options.repository);
  const hostKey = await chooseHostKey(entry, options.hostKey);
  const client = await told(() => registerClient(options.data, { ...entry, hostKey }, folder));
  const check = await checkClient(options.data, client);
  if (!options.json) printLine(`A policy of type Standard can now have the client "${client.name}".`);
  report(client.name, check, options);
}

async function chooseHostKey(
  { host, port }: { host: string; port: number },
  wanted: string | undefined,
): Promise<string> {
  const given = hostKeySchema.safeParse(wanted?.split(" ").slice(0, 2).join(" "));
  if (given.success) return given.data;
  const shown = await told(() => scanHostKeys(host, port));
  const found = shown.find(({ fingerprint }) => fingerprint === wanted);
  if (found !== undefined) return checked(hostKeySchema, found.key);
  const list = shown.map(({ key, fingerprint }) => `  ${fingerprint} (${key.split(" ")[0]})`).join("\n");
  throw new Failure(
    wanted === undefined
      ? `compare with what the machine itself says, and give one with --host-key. It shows:\n${list}`
      : `the machine does not show the host key ${wanted}: somebody may be on the way. It shows:\n${list}`,
    { exitCode: wanted === undefined ? 2 : 1 },
  );
}

function report(name: string, check: ClientCheck, options: PremisesOptions): void {
  if (options.json) printJson({ name, ...check });
  else {
    for (const line of check.lines) printLine(`  ${visible(line)}`);
    printLine(check.ok ? `${name} can be backed up.` : `${name} can't be backed up: status ${check.status}.`);
  }
  if (!check.ok) process.exitCode = 1;
}
