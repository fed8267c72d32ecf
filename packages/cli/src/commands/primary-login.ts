import type { Command } from "commander";
import { errorTextOf, type HubClient } from "../client/hub-client.ts";
import { netbackupJson, tokenOf } from "../client/primary-client.ts";
import { fromEnvironment } from "../environment.ts";
import { Failure } from "../failure.ts";
import { readSecret } from "../secrets.ts";

/** A user of a primary, to be logged in through the hub. */
export interface PrimaryLogin {
  user?: string;
  passwordFile?: string;
}

/** Adds the options that say as whom to log in at a primary behind the hub. */
export function withPrimaryLogin(command: Command): Command {
  return command
    .option(
      "--user <name>",
      "log in at the primary first (or SALLYPORT_PRIMARY_USER); otherwise the hub's stored credential counts",
    )
    .option(
      "--password-file <file>",
      "file that holds the password (or the password in SALLYPORT_PRIMARY_PASSWORD)",
    );
}

/**
 * Logs in at a primary through the hub; undefined when no user is named.
 * @throws Failure when the primary refuses
 */
export async function loginThrough(
  hub: HubClient,
  primaryId: string,
  { user, passwordFile }: PrimaryLogin,
): Promise<string | undefined> {
  const userName = user ?? fromEnvironment("SALLYPORT_PRIMARY_USER");
  if (userName === undefined) return undefined;
  const password = readSecret("the password", "--password-file", passwordFile, "SALLYPORT_PRIMARY_PASSWORD");
  const { status, headers, text } = await hub.gateway(primaryId, {
    method: "POST",
    path: "/login",
    headers: { "content-type": netbackupJson, accept: netbackupJson },
    body: JSON.stringify({ userName, password }),
  });
  if (status === 201) return tokenOf(text);
  const advice =
    headers["sallyport-error"] === "not_connected"
      ? "; see sallyport primaries show for why, or have the hub keep the call: sallyport call … --async"
      : "";
  throw new Failure(`login at the primary failed (${status}): ${errorTextOf(text)}${advice}`);
}
