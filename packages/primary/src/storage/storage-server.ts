import { isIP } from "node:net";
import { z } from "zod";
import { PrimaryError } from "../errors.ts";
import { rcloneConfigProblem } from "./rclone-config.ts";

const line = (max: number) =>
  z
    .string()
    .min(1)
    .max(max)
    .regex(/^[^\p{Cc}]+$/u, "must be one line");

const hostSchema = z
  .string()
  .max(255)
  .refine((host) => isIP(host) > 0 || /^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/.test(host), {
    error: "must be a host name or an address",
  });

/** A key of an SSH server, as `ssh-keyscan` and `.pub` files write it, without host name and comment. */
const hostKeySchema = z
  .string()
  .max(8192)
  .regex(
    /^(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)) [A-Za-z0-9+/]+={0,2}$/,
    'must be "ssh-ed25519 AAAA…", without host name and comment',
  );

const privateKeySchema = z
  .string()
  .max(65_536)
  .regex(/^-----BEGIN [A-Z ]*PRIVATE KEY-----\n[\s\S]+-----END [A-Z ]*PRIVATE KEY-----\s*$/, {
    error: "must be a private key in PEM or OpenSSH format, without a passphrase",
  });

const caSchema = z
  .string()
  .max(262_144)
  .regex(/-----BEGIN CERTIFICATE-----/, "must be PEM certificates")
  .optional();

/** Without TLS a password would be readable on the way: only within this machine. */
const urlSchema = z.string().max(1024).refine(isSafeUrl, {
  error: "must be https://HOST[:PORT][/PATH] without user, query or fragment (http:// on loopback only)",
});

function isSafeUrl(text: string): boolean {
  if (!/^https?:\/\/[A-Za-z0-9.:[\]-]+(\/[A-Za-z0-9._~-]+)*\/?$/.test(text)) return false;
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, pathname } = new URL(text);
  if (text.includes("/..") || pathname.includes("/..")) return false;
  return protocol === "https:" || ["127.0.0.1", "localhost", "[::1]"].includes(hostname);
}

/** The second part of a server's id. */
export const storageServerNameSchema = z
  .string()
  .regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/, "must be 1 to 128 letters, digits, _ . -");

/** What reaches an SFTP server: its own `ssh` with a pinned host key, and no other option. */
const sftpSchema = z.strictObject({
  kind: z.literal("sftp"),
  host: hostSchema,
  port: z.int().min(1).max(65_535).default(22),
  user: z
    .string()
    .max(64)
    .regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]*$/, "must be a login name"),
  hostKeys: z.array(hostKeySchema).min(1).max(8),
  privateKey: privateKeySchema,
});

const s3Schema = z.strictObject({
  kind: z.literal("s3"),
  endpoint: urlSchema,
  region: z
    .string()
    .max(64)
    .regex(/^[A-Za-z0-9-]+$/)
    .optional(),
  /** Bucket in the path rather than in the host name. */
  pathStyle: z.boolean().default(true),
  accessKeyId: z
    .string()
    .max(256)
    .regex(/^[A-Za-z0-9/+=_.~-]+$/, "must be an access key id"),
  /** It stands in a file of AWS' format, which has no way to quote anything else. */
  secretAccessKey: z
    .string()
    .max(256)
    .regex(/^[A-Za-z0-9/+=_.~-]+$/, "must be letters, digits and /+=_.~-"),
  caPem: caSchema,
});

const restSchema = z.strictObject({
  kind: z.literal("rest"),
  url: urlSchema,
  user: line(256),
  password: line(1024),
  caPem: caSchema,
});

const rcloneSchema = z.strictObject({
  kind: z.literal("rclone"),
  /** The text of an rclone configuration file. */
  config: z
    .string()
    .max(65_536)
    .superRefine((text, context) => {
      const problem = rcloneConfigProblem(text);
      if (problem !== undefined) context.addIssue({ code: "custom", message: problem });
    }),
});

/** A server that is not this machine, with what opens it. */
export const storageServerSchema = z.discriminatedUnion("kind", [
  sftpSchema,
  s3Schema,
  restSchema,
  rcloneSchema,
]);

/** A remote storage server with its credentials. */
export type StorageServer = z.infer<typeof storageServerSchema>;

/**
 * Reads a storage server as the API takes it.
 * @throws PrimaryError `invalid_request` that names what is wrong, and quotes nothing of it
 */
export function parseStorageServer(given: unknown): StorageServer {
  const parsed = storageServerSchema.safeParse(given);
  if (parsed.success) return parsed.data;
  const attributeErrors = Object.fromEntries(
    parsed.error.issues.map(({ path, message }) => [`sallyport.${path.join(".")}`, message]),
  );
  const first = Object.entries(attributeErrors)[0]?.join(": ") ?? "";
  throw new PrimaryError("invalid_request", `the storage server can't be taken: ${first}`, {
    attributeErrors,
  });
}

/** What kinds of repositories there are: on a disk of this machine, or on a server. */
export type StorageKind = StorageServer["kind"] | "local";

/** How NetBackup's resources call each kind, which begins the server's id. */
export const serverTypes = {
  local: "AdvancedDisk",
  sftp: "SFTP",
  s3: "S3",
  rest: "REST",
  rclone: "rclone",
} as const satisfies Record<StorageKind, string>;

/** What must never be shown: a server's secrets, as they are written anywhere. */
export function secretsOf(server: StorageServer): string[] {
  if (server.kind === "s3") return [server.secretAccessKey];
  if (server.kind === "rest") return [server.password, encodeURIComponent(server.password)];
  if (server.kind === "rclone")
    return [...server.config.matchAll(/^\s*[\w-]+\s*=\s*(\S.{7,})$/gm)].map(([, value]) =>
      (value ?? "").trim(),
    );
  return [];
}
