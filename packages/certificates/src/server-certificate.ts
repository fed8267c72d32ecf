import { X509Certificate } from "node:crypto";
import { mkdir, readFile } from "node:fs/promises";
import { isIP } from "node:net";
import { join } from "node:path";
import type { KeyedCertificate } from "./authority.ts";
import { writeFileDurably } from "@sallyport/durable";

/** A server certificate with its authority's, ready for `https.createServer`. */
export interface ServerCertificate extends KeyedCertificate {
  /** The certificate that clients have to trust, PEM. */
  caPem: string;
  /** Where that certificate lies, to be named to an administrator. */
  caFile: string;
}

/** What `ensureServerCertificate` works on. */
export interface ServerCertificateOptions {
  /** The folder for the four files; made with mode 0700 when missing. */
  dir: string;
  /** Whom the authority belongs to, such as "Sallyport hub". */
  owner: string;
  /** DNS names and IP addresses that the certificate has to cover. */
  hostNames: readonly string[];
  /** The present moment, epoch ms. */
  nowMs: number;
}

const renewBeforeMs = 30 * 86_400_000;

/**
 * Loads the certificate authority and server certificate in `dir`, and makes what is missing: `ca.pem`,
 * `ca.key`, `server.pem`, `server.key` (keys with mode 0600). The authority is made once and kept; the server certificate
 * is made anew when it lacks one of `hostNames` or ends within 30 days.
 * @throws Error when a file exists but can't be read as what it should be
 */
export async function ensureServerCertificate(options: ServerCertificateOptions): Promise<ServerCertificate> {
  const { dir, owner, hostNames, nowMs } = options;
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const caFile = join(dir, "ca.pem");
  const authority =
    (await load(caFile, join(dir, "ca.key"))) ??
    (await save(
      caFile,
      join(dir, "ca.key"),
      await (await making()).makeAuthority(`${owner} authority`, nowMs),
    ));
  const [certFile, keyFile] = [join(dir, "server.pem"), join(dir, "server.key")];
  const found = await load(certFile, keyFile);
  const server =
    found !== undefined && isUsable(found, authority, hostNames, nowMs)
      ? found
      : await save(
          certFile,
          keyFile,
          await (await making()).makeServerCertificate(authority, hostNames, nowMs),
        );
  return { ...server, caPem: authority.certPem, caFile };
}

/** What makes certificates is some 200 modules, which a server whose certificates are there never needs. */
const making = () => import("./authority.ts");

async function load(certFile: string, keyFile: string): Promise<KeyedCertificate | undefined> {
  try {
    return { certPem: await readFile(certFile, "utf8"), keyPem: await readFile(keyFile, "utf8") };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** The key goes first: a crash between the two leaves no certificate, and both are made anew. */
async function save(certFile: string, keyFile: string, made: KeyedCertificate): Promise<KeyedCertificate> {
  await writeFileDurably(keyFile, made.keyPem, 0o600);
  await writeFileDurably(certFile, made.certPem, 0o644);
  return made;
}

function isUsable(
  server: KeyedCertificate,
  authority: KeyedCertificate,
  hostNames: readonly string[],
  nowMs: number,
): boolean {
  const certificate = new X509Certificate(server.certPem);
  const covers = (name: string) =>
    (isIP(name) === 0 ? certificate.checkHost(name) : certificate.checkIP(name)) !== undefined;
  return (
    certificate.verify(new X509Certificate(authority.certPem).publicKey) &&
    certificate.validToDate.getTime() - nowMs > renewBeforeMs &&
    hostNames.every(covers)
  );
}
