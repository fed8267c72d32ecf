import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { z } from "zod";
import { fromEnvironment } from "../environment.ts";
import { Failure } from "../failure.ts";

const profileSchema = z.strictObject({
  hub: z.string(),
  apiKey: z.string(),
  /** The certificate of the hub's own authority, PEM; kept whole, so that the file it came from may go. */
  caPem: z.string().optional(),
});

/** What `sallyport login` keeps, so that the hub need not be named every time. */
export type Profile = z.infer<typeof profileSchema>;

/** Where the profile lies: `SALLYPORT_PROFILE`, or `sallyport/profile.json` in the user's folder for configuration. */
export function profileFile(): string {
  const config = fromEnvironment("XDG_CONFIG_HOME") ?? join(homedir(), ".config");
  return fromEnvironment("SALLYPORT_PROFILE") ?? join(config, "sallyport", "profile.json");
}

/**
 * The profile, or undefined when nobody has logged in.
 * @throws Failure when the file is there and can't be used
 */
export function readProfile(): Profile | undefined {
  const file = profileFile();
  try {
    return profileSchema.parse(JSON.parse(readFileSync(file, "utf8")));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    const message = `the profile ${file} can't be used; run "sallyport login" again, or remove it`;
    throw new Failure(message, { cause: error, exitCode: 2 });
  }
}

/** Writes the profile, readable by its owner alone. */
export function writeProfile(profile: Profile): string {
  const file = profileFile();
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  // Made anew, so that an older file's wider mode is not kept.
  rmSync(file, { force: true });
  writeFileSync(file, `${JSON.stringify(profile, null, 2)}\n`, { mode: 0o600 });
  return file;
}

/** Removes the profile; false when there was none. */
export function removeProfile(): boolean {
  const isThere = readFileOrNone() !== undefined;
  rmSync(profileFile(), { force: true });
  return isThere;
}

function readFileOrNone(): string | undefined {
  try {
    return readFileSync(profileFile(), "utf8");
  } catch {
    // Missing or unreadable: either way there is nothing to log out from.
    return undefined;
  }
}
