import { createHash } from "node:crypto";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { writeFileDurably } from "@sallyport/durable";
import { secretsOf, type StorageServer } from "./storage-server.ts";

/** How restic reaches a repository. No secret is in it but in `secrets`: those lie in files that it names. */
export interface RepositoryAccess {
  /** How messages call the place. */
  location: string;
  environment: Readonly<Record<string, string>>;
  /** The repository itself, when it is a folder of this machine. */
  repositoryFolder?: string;
  /** Options of restic that go with every command. */
  options: readonly string[];
  /** Where it runs, so that options can name files without the data folder's path. */
  folder: string | undefined;
  passwordFile: string;
  /** Where what reaches the server writes what goes wrong: restic may end before it has passed that on. */
  errorLog: string | undefined;
  /** Texts that are starred wherever restic writes them. */
  secrets: readonly string[];
}

/** A repository in a folder of this machine. */
export function localAccess(repository: string, passwordFile: string): RepositoryAccess {
  return {
    location: repository,
    environment: { RESTIC_REPOSITORY: repository },
    repositoryFolder: repository,
    options: [],
    folder: undefined,
    passwordFile,
    errorLog: undefined,
    secrets: [],
  };
}

/**
 * Writes what restic needs to reach a server into files that only we can read, where they have changed.
 * @param folder the storage unit's own folder for it
 */
export async function remoteAccess(
  folder: string,
  passwordFile: string,
  server: StorageServer,
  volume: string,
): Promise<RepositoryAccess> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const common = { folder, passwordFile, errorLog: undefined, secrets: secretsOf(server) };
  const ca = "caPem" in server && server.caPem !== undefined ? ["--cacert=ca.pem"] : [];
  if ("caPem" in server && server.caPem !== undefined) await keepFile(folder, "ca.pem", server.caPem);
  switch (server.kind) {
    case "sftp": {
      await keepFile(folder, "identity", `${server.privateKey.trimEnd()}\n`);
      await keepFile(folder, "known_hosts", server.hostKeys.map((key) => `sallyport ${key}\n`).join(""));
      await keepFile(folder, "ssh_config", sshConfig(server));
      const port = server.port === 22 ? "" : `:${server.port}`;
      return {
        ...common,
        location: `sftp://${server.user}@${server.host}${port}${volume}`,
        // The host's name is in the file, so that nothing of the configuration is an argument.
        environment: { RESTIC_REPOSITORY: `sftp:sallyport:${volume}` },
        options: ["--option=sftp.command=ssh -E ssh_log -F ssh_config -s sallyport sftp"],
        errorLog: join(folder, "ssh_log"),
      };
    }
    case "s3": {
      const { accessKeyId, secretAccessKey, region } = server;
      const keys = `aws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n`;
      await keepFile(folder, "credentials", `[default]\n${keys}`);
      const location = `s3:${server.endpoint.replace(/\/$/, "")}/${volume}`;
      return {
        ...common,
        location,
        environment: {
          RESTIC_REPOSITORY: location,
          AWS_SHARED_CREDENTIALS_FILE: join(folder, "credentials"),
          ...(region === undefined ? {} : { AWS_DEFAULT_REGION: region }),
        },
        options: [`--option=s3.bucket-lookup=${server.pathStyle ? "path" : "dns"}`, ...ca],
      };
    }
    case "rest": {
      const base = server.url.endsWith("/") ? server.url : `${server.url}/`;
      const [scheme, rest] = base.split("://");
      const login = `${encodeURIComponent(server.user)}:${encodeURIComponent(server.password)}`;
      await keepFile(folder, "repository", `rest:${scheme}://${login}@${rest}${volume}/\n`);
      return {
        ...common,
        location: `rest:${base}${volume}/`,
        environment: { RESTIC_REPOSITORY_FILE: join(folder, "repository") },
        options: ca,
      };
    }
    case "rclone": {
      await keepRcloneConfig(folder, server.config);
      return {
        ...common,
        location: `rclone:${volume}`,
        environment: { RESTIC_REPOSITORY: `rclone:${volume}`, RCLONE_CONFIG: join(folder, "rclone.conf") },
        options: [],
      };
    }
  }
}

/** Host keys are compared, nothing is asked, and no file but ours is read: not even the user's own known_hosts. */
function sshConfig(server: Extract<StorageServer, { kind: "sftp" }>): string {
  const settings = {
    HostName: server.host,
    Port: server.port,
    User: server.user,
    HostKeyAlias: "sallyport",
    IdentityFile: "identity",
    IdentitiesOnly: "yes",
    IdentityAgent: "none",
    UserKnownHostsFile: "known_hosts",
    GlobalKnownHostsFile: "none",
    StrictHostKeyChecking: "yes",
    UpdateHostKeys: "no",
    BatchMode: "yes",
    PreferredAuthentications: "publickey",
    ConnectTimeout: 30,
    // A server that is gone without a word is noticed after a minute.
    ServerAliveInterval: 15,
    ServerAliveCountMax: 4,
  };
  const lines = Object.entries(settings).map(([name, value]) => `  ${name} ${value}\n`);
  return `Host sallyport\n${lines.join("")}`;
}

/** Rclone writes renewed tokens into its file: it is replaced only by another configuration. */
async function keepRcloneConfig(folder: string, config: string): Promise<void> {
  const given = createHash("sha256").update(config).digest("hex");
  const known = await readFile(join(folder, "rclone.given"), "utf8").catch(() => "");
  if (known === given) return;
  await writeFileDurably(join(folder, "rclone.conf"), config, 0o600);
  await writeFileDurably(join(folder, "rclone.given"), given, 0o600);
}

async function keepFile(folder: string, name: string, content: string): Promise<void> {
  const path = join(folder, name);
  // None yet, most likely; what can't be read is replaced.
  const present = await readFile(path, "utf8").catch(() => undefined);
  if (present !== content) await writeFileDurably(path, content, 0o600);
}
