import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { writeFileDurably } from "@sallyport/durable";
import { hubSettings, hubSettingsSchema, type HubSettings } from "@sallyport/hub";
import { Failure } from "./failure.ts";

/** Where a hub's folder has the settings that a hub was last started with on it. */
export function startedSettingsPath(dataDir: string): string {
  return join(dataDir, "started-with.json");
}

/**
 * Keeps the settings that a hub runs with, for `hub check`: where it was started from is no longer known then. There is no secret in
 * settings, only the names of files that hold them; those are written down as they are from anywhere.
 * @param url where the hub listens, since the setting may be any port
 */
export function keepStartedSettings(settings: HubSettings, url: string): Promise<void> {
  const kept = structuredClone(settings) as Record<string, unknown>;
  for (const { path, isPath } of hubSettings) if (isPath) makeAbsolute(kept, path.split("."));
  const text = JSON.stringify({ ...kept, listen: new URL(url).host }, null, 2);
  return writeFileDurably(startedSettingsPath(settings.data), `${text}\n`, 0o600);
}

/**
 * The settings that a hub was last started with on this folder; undefined when none was.
 * @throws Failure when they can't be read, or are those of another version
 */
export function readStartedSettings(dataDir: string): HubSettings | undefined {
  const file = startedSettingsPath(dataDir);
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw new Failure(`${file} can't be read: ${message}; run this as the hub's user`, { cause: error });
  }
  try {
    // The folder may have been moved meanwhile.
    return { ...hubSettingsSchema.parse(JSON.parse(text)), data: dataDir };
  } catch (error) {
    const message = `${file} has no settings of this version: start the hub once, or name its settings with --config or flags`;
    throw new Failure(message, { cause: error });
  }
}

function makeAbsolute(settings: Record<string, unknown>, [name = "", ...below]: string[]): void {
  const value = settings[name];
  if (typeof value === "string" && below.length === 0) settings[name] = resolve(value);
  else if (typeof value === "object" && value !== null) makeAbsolute(value as Record<string, unknown>, below);
}
