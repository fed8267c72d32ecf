import { z } from "zod";
import { limits } from "../limits.ts";
import { PremisesFile } from "../premises/premises-file.ts";

/** A host's name or address; it can't be an option. */
export const sshHostSchema = z
  .string()
  .max(255)
  .regex(/^[A-Za-z0-9_:][A-Za-z0-9_.:-]*$/, "must be a host name or an address");

/** A public host key as `known_hosts` has it, without the host. */
export const hostKeySchema = z
  .string()
  .max(4096)
  .regex(
    /^(ssh|ecdsa|sk)-[a-z0-9@.-]+ [A-Za-z0-9+/]+={0,3}$/,
    "must be a public key such as ssh-ed25519 AAAA…",
  );

/** Another machine that is backed up over SSH. */
export const sshClientSchema = z.object({
  /** The name by which policies call it. */
  name: z
    .string()
    .max(56)
    .regex(/^[A-Za-z0-9][A-Za-z0-9.-]*$/, "must be a host name of at most 56 characters"),
  host: sshHostSchema,
  port: z.int().min(1).max(65_535).default(22),
  user: z
    .string()
    .max(64)
    .regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]*\$?$/, "must be a user's name"),
  /** The private key that opens it; never in the API, mode 0600. */
  keyFile: z
    .string()
    .max(limits.maxPathBytes - 1)
    .regex(/^\/[^\0\n"]*$/, "must be an absolute path"),
  /** The one host key that it may show. */
  hostKey: hostKeySchema,
});

/** Another machine that is backed up over SSH. */
export type SshClient = z.infer<typeof sshClientSchema>;

/** The machines that can be backed up over SSH, in `clients.json` of the data folder. */
export type ClientFile = PremisesFile<typeof sshClientSchema>;

/** Opens `clients.json` of a data folder. */
export function clientFile(dataDir: string): ClientFile {
  return new PremisesFile({ dataDir, fileName: "clients.json", noun: "client", entry: sshClientSchema });
}
