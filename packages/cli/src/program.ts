import { Command } from "commander";

const loaders: Readonly<Record<string, () => Promise<Command>>> = {
  hub: async () => (await import("./commands/hub.ts")).hubCommand(),
  primary: async () => (await import("./commands/primary.ts")).primaryCommand(process.argv.slice(3)),
  agent: async () => (await import("./commands/agent.ts")).agentCommand(process.argv.slice(3)),
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

/**
 * Makes the `sallyport` command; what it refuses is thrown, as CommanderError.
 * @param wanted the first argument: only the command that it names is loaded, so that it starts quickly; all of them for help and suggestions
 */
export async function makeProgram(wanted: string | undefined): Promise<Command> {
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
