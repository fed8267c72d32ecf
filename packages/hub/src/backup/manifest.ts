import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { HubError } from "../errors.ts";

/** The file of a backup that is written last: a folder without it is no whole backup. */
export const manifestName = "manifest.json";
const maxManifestBytes = 1024 * 1024;

/** Names without dots at the front of a part: nowhere to climb. */
const fileName = z
  .string()
  .max(200)
  .regex(/^(?:[\w-][\w.-]*\/)*[\w-][\w.-]*$/);

const manifestSchema = z.strictObject({
  format: z.literal(1),
  /** When it was begun: what the hub had acknowledged by then is in it. ISO 8601. */
  madeAt: z.string(),
  log: z.strictObject({ events: z.int(), lastPosition: z.int() }),
  /** Whether certificates and keys of the data folder are in it. */
  hasSecrets: z.boolean(),
  files: z
    .array(z.strictObject({ name: fileName, bytes: z.int(), sha256: z.string().regex(/^[0-9a-f]{64}$/) }))
    .max(10_000),
});

/** What a backup has. */
export type BackupManifest = z.infer<typeof manifestSchema>;

/**
 * Reads a backup's manifest.
 * @throws HubError `bad_backup`
 */
export async function readManifest(dir: string): Promise<BackupManifest> {
  let content: unknown;
  try {
    const path = join(dir, manifestName);
    if ((await stat(path)).size > maxManifestBytes) throw new Error("it is too large");
    content = JSON.parse(await readFile(path, "utf8"));
  } catch (cause) {
    const message = `${dir} is no whole backup: its ${manifestName} can't be read (${(cause as Error).message})`;
    throw new HubError("bad_backup", message, { cause });
  }
  const parsed = manifestSchema.safeParse(content);
  if (parsed.success) return parsed.data;
  const message = `${join(dir, manifestName)} is not of a backup that this version of Sallyport knows`;
  throw new HubError("bad_backup", message, { cause: parsed.error });
}
