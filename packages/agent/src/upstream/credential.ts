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
