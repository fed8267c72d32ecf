#!/usr/bin/env -S node --max-semi-space-size=8
import { Command, CommanderError } from "commander";
import { ZodError } from "zod";
import { Failure } from "./failure.ts";

const loaders: Readonly<Record<string, () => Promise<Command>>> = {
  hub: async () => (await import("./commands/hub.ts")).hubCommand(),
  primary: async () => (await import("./commands/primary.ts")).primaryCommand(),
  agent: async () => (await import("./commands/agent.ts")).agentCommand(),
  endpoint: async () => (await import("./commands/endpoint.ts")).endpointCommand(),
  guard: async () => (await import("./commands/guard.ts")).guardCommand(),
  primaries: async () => (await import("./commands/primaries.ts")).primariesCommand(),
  call: async () => (await import("./commands/call.ts")).callCommand(),
  login: async () => (await import("./commands/login.ts")).loginCommand(),
  logout: async () => (await import("./commands/login.ts")).logoutCommand(),
  proxy: async () => (await import("./commands/proxy.ts")).proxyCommand(),
  notifications: async () => (await import("./commands/notifications.ts")).notificationsCommand(),
  conformance: async () => (await import("./commands/conformance.ts")).conformanceCommand(),
  backup: async () => (await import("./commands/backup.ts")).backupCommand(),
  restore: async () => (await import("./commands/restore.ts")).restoreCommand(),
  jobs: async () => (await import("./commands/jobs.ts")).jobsCommand(),
  images: async () => (await import("./commands/jobs.ts")).imagesCommand(),
  backups: async () => (await import("./commands/jobs.ts")).backupsCommand(),
  alerts: async () => (await import("./commands/alerts.ts")).alertsCommand(),
  webhooks: async () => (await import("./commands/webhooks.ts")).webhooksCommand(),
  commands: async () => (await import("./commands/commands.ts")).commandsCommand(),
  rollouts: async () => (await import("./commands/rollouts.ts")).rolloutsCommand(),
  users: async () => (await import("./commands/users.ts")).usersCommand(),
  "api-keys": async () => (await import("./commands/api-keys.ts")).apiKeysCommand(),
  audit: async () => (await import("./commands/audit.ts")).auditCommand(),
  doctor: async () => (await import("./commands/doctor.ts")).doctorCommand(),
  demo: async () => (await import("./commands/demo.ts")).demoCommand(),
};

/** Loads the one command that is asked for, so that it starts quickly; all of them for help and suggestions. */
async function makeProgram(wanted: string | undefined): Promise<Command> {
  const program = new Command("sallyport")
    .description("The NetBackup WebSocket Service, both ends: hub, agent, primary, and their clients.")
    .version("0.1.0")
    .showSuggestionAfterError()
    .showHelpAfterError("(add --help for what there is)")
    // `hub` has flags of its own and commands below it with flags of the same names.
    .enablePositionalOptions()
    .exitOverride();
  const isKnown = wanted !== undefined && Object.hasOwn(loaders, wanted);
  for (const name of isKnown ? [wanted] : Object.keys(loaders)) {
    const command = await loaders[name]?.();
    if (command !== undefined) program.addCommand(inherit(command, program));
  }
  return program;
}

/** Gives a command and all below it the settings of the program. */
function inherit(command: Command, program: Command): Command {
  command.copyInheritedSettings(program);
  for (const below of command.commands) inherit(below, program);
  return command;
}

interface ListenError extends NodeJS.ErrnoException {
  address?: string;
  port?: number;
}

/** What to do about an address that can't be listened on; undefined for any other failure. */
function listeningRefused({ syscall, code, address, port }: ListenError): string | undefined {
  if (syscall !== "listen") return undefined;
  const where = `${address}:${port}`;
  if (code === "EADDRINUSE")
    return `${where} is in use by another process: stop that, or name another address with --listen (${code})`;
  if (code === "EACCES")
    return `listening on ${where} is not allowed to this user: give it the capability CAP_NET_BIND_SERVICE (systemd: AmbientCapabilities=), or name a port from 1024 on with --listen (${code})`;
  if (code === "EADDRNOTAVAIL")
    return `this machine has no address ${address}: name another with --listen (${code})`;
  return undefined;
}

/** Prints what went wrong, one line for what a user can mend, and gives the exit code. */
function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof Failure) {
    process.stderr.write(`sallyport: ${error.message}\n`);
    return error.exitCode;
  }
  if (error instanceof ZodError) {
    process.stderr.write(`sallyport: the server's answer is not what was expected: ${error.message}\n`);
    return 1;
  }
  const refused = listeningRefused(error as ListenError);
  if (refused !== undefined) {
    process.stderr.write(`sallyport: ${refused}\n`);
    return 1;
  }
  const { message, code } = error as NodeJS.ErrnoException;
  process.stderr.write(`sallyport: ${message}${code === undefined ? "" : ` (${code})`}\n`);
  if (process.env["SALLYPORT_DEBUG"] !== undefined) process.stderr.write(`${(error as Error).stack}\n`);
  return 1;
}

const servers: ReadonlySet<string | undefined> = new Set(["hub", "primary", "agent"]);
// Whoever read what was printed has gone (`| head`): nothing is left to do, except for a server, which prints its address only.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  if (!servers.has(process.argv[2])) process.exit();
});

try {
  await (await makeProgram(process.argv[2])).parseAsync();
} catch (error) {
  process.exitCode = exitCodeOf(error);
}
