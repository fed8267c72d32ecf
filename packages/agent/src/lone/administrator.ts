import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { writeFileDurably } from "@sallyport/durable";
import { z } from "zod";

/** What commands on the same machine need to reach a lone agent; it lies in the agent's data folder, readable by its owner alone. */
export const administrationFile = z.object({
  /** Where its administration listens, such as `https://127.0.0.1:9556`. */
  url: z.string(),
  /** The certificate of its own authority, PEM. */
  caFile: z.string(),
  /** Proves that whoever calls may read the data folder; sent as NetBackup's API keys are. */
  token: z.string().min(32),
});

/** Where that file lies. */
export function administrationPath(dataDir: string): string {
  return join(dataDir, "administration.json");
}

/** The administrator's token of a data folder: the one that is kept there, or a new one. */
export function administratorToken(dataDir: string): string {
  let text: string;
  try {
    text = readFileSync(administrationPath(dataDir), "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    return randomBytes(32).toString("base64url");
  }
  return administrationFile.parse(JSON.parse(text)).token;
}

/** Writes the file anew, mode 0600: the address may be another one than at the last start. */
export function publishAdministration(
  dataDir: string,
  content: z.infer<typeof administrationFile>,
): Promise<void> {
  return writeFileDurably(administrationPath(dataDir), `${JSON.stringify(content, null, 2)}\n`, 0o600);
}

/** Tells whether an Authorization header carries the administrator's token, bare or after "Bearer", in constant time. */
export function isAdministrator(token: string, authorization: string | undefined): boolean {
  const given = (authorization ?? "").trim().replace(/^Bearer\s+/i, "");
  return timingSafeEqual(digest(given), digest(token));
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
