import { readFileSync } from "node:fs";

/** How the agent proves itself to the upstream when it calls on its own behalf. */
export type UpstreamCredential =
  | {
      kind: "api-key";
      /** Read anew whenever the upstream refuses the last one, so that a key can be changed without a restart. */
      read(): string;
    }
  | {
      kind: "login";
      userName: string;
      /** Read for every login. */
      readPassword(): string;
      /** As NetBackup's login has them; left out unless given. */
      domainType?: string | undefined;
      domainName?: string | undefined;
    };

/**
 * Reads a secret from a file each time it is asked for: one line, white space round it removed.
 * @param file found only when it is read; whoever starts the agent should try it once
 */
export function secretFile(file: string): () => string {
  return () => readFileSync(file, "utf8").trim();
}
