import type { Command } from "commander";

/** Adds the options with which every client command finds its hub. */
export function withHubOptions(command: Command): Command {
  return command
    .option("--hub <url>", "the hub, such as https://hub1.cloud.example:8443 (or SALLYPORT_HUB)")
    .option("--api-key-file <file>", "file that holds the API key (or the key itself in SALLYPORT_API_KEY)")
    .option("--ca <file>", "certificate of the hub's own authority, PEM (or SALLYPORT_CA)")
    .option("--json", "print JSON", false);
}

/** Adds the options with which every command on premises finds its primary, or its lone agent. */
export function withPrimaryOptions(command: Command): Command {
  return command
    .option(
      "--agent <dir>",
      "the data folder of a lone agent on this machine, instead of a primary (or SALLYPORT_AGENT)",
    )
    .option("--primary <url>", "the primary's REST API (or SALLYPORT_PRIMARY; else https://127.0.0.1:1556)")
    .option("--user <name>", "the user (or SALLYPORT_PRIMARY_USER)")
    .option(
      "--password-file <file>",
      "file that holds the password (or the password itself in SALLYPORT_PRIMARY_PASSWORD)",
    )
    .option("--ca <file>", "certificate of the primary's own authority, PEM (or SALLYPORT_PRIMARY_CA)")
    .option("--json", "print JSON", false);
}
