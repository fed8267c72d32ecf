import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { Failure } from "../failure.ts";
import { readCaFile } from "../secrets.ts";

const administration = z.object({ url: z.string(), caFile: z.string(), token: z.string() });

/** How to reach the administration of a lone agent on this machine. */
export interface LoneAgentAccess {
  url: string;
  caPem: string | undefined;
  token: string;
}

/**
 * Reads what a lone agent keeps in its data folder for whoever may read that: the agent's administrator.
 * @throws Failure that says what to do
 */
export function readAdministration(dataDir: string): LoneAgentAccess {
  const file = join(dataDir, "administration.json");
  try {
    const { url, caFile, token } = administration.parse(JSON.parse(readFileSync(file, "utf8")));
    return { url, token, caPem: readCaFile(caFile) };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why: Record<string, string> = {
      ENOENT: "no agent was ever started with this data folder",
      EACCES: "run the command as the agent's user, or as root",
    };
    throw new Failure(`${file} can't be used: ${why[code ?? ""] ?? "it is not what an agent writes"}`, {
      cause: error,
      exitCode: 2,
    });
  }
}
