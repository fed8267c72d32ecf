import type { SshClient } from "./ssh-client.ts";

/** How long ssh may take to connect, and how often and how many times a client that says nothing is asked. */
const connectSeconds = 20;
const aliveSeconds = 15;
const aliveTries = 3;

/** What the client's login shell gets: nothing of a policy or path, which travel on standard input as a script. */
const bootstrap = `exec /bin/sh -c 'IFS= read -r n && s=$(head -c "$n") && eval "$s"'`;

/**
 * The arguments of ssh for a client. No configuration file, agent, forwarding, password or question; the host key is
 * the pinned one or there is no connection.
 */
export function sshArguments(client: SshClient, knownHostsFile: string): string[] {
  const options = {
    BatchMode: "yes",
    CheckHostIP: "no",
    ClearAllForwardings: "yes",
    ConnectTimeout: connectSeconds,
    ControlMaster: "no",
    ControlPath: "none",
    EscapeChar: "none",
    ForwardAgent: "no",
    ForwardX11: "no",
    GlobalKnownHostsFile: "/dev/null",
    HostKeyAlias: "sallyport-client",
    IdentitiesOnly: "yes",
    IdentityAgent: "none",
    PasswordAuthentication: "no",
    PermitLocalCommand: "no",
    PreferredAuthentications: "publickey",
    ServerAliveCountMax: aliveTries,
    ServerAliveInterval: aliveSeconds,
    StrictHostKeyChecking: "yes",
    UpdateHostKeys: "no",
    UserKnownHostsFile: `"${knownHostsFile}"`,
    VerifyHostKeyDNS: "no",
  };
  return [
    "-F",
    "/dev/null",
    "-T",
    ...Object.entries(options).flatMap(([name, value]) => ["-o", `${name}=${value}`]),
    "-i",
    client.keyFile,
    "-p",
    String(client.port),
    "-l",
    client.user,
    "--",
    client.host,
    bootstrap,
  ];
}

/** The `known_hosts` file of a client. */
export function knownHosts({ hostKey }: Pick<SshClient, "hostKey">): string {
  return `sallyport-client ${hostKey}\n`;
}

const failures: readonly (readonly [pattern: RegExp, status: number, hint: string])[] = [
  [
    /host key verification failed|remote host identification has changed/i,
    58,
    "the client shows another host key than the pinned one: if it was changed on purpose, remove the client and add it with the new one",
  ],
  [
    /permission denied|too many authentication failures|load key/i,
    59,
    "the client does not let the primary's key in: add its public key to the user's authorized_keys there",
  ],
  [/could not resolve hostname/i, 48, "check the client's address"],
  [/connection refused/i, 57, "check that sshd runs there, on that port"],
  [/timed out/i, 54, "check that the client is on and reachable"],
];
const breaks: readonly (readonly [pattern: RegExp, status: number])[] = [
  [/timeout, server .* not responding/i, 41],
  [/broken pipe/i, 24],
];

/** What ssh's own failure (exit code 255) stands for. @param begun whether the client had begun to work */
export function sshFailure(lines: readonly string[], begun: boolean): { status: number; hint: string } {
  const text = lines.join("\n");
  const lost = "the connection to the client was lost";
  if (begun) return { status: breaks.find(([pattern]) => pattern.test(text))?.[1] ?? 40, hint: lost };
  const [, status = 58, hint = "the client can't be reached"] =
    failures.find(([pattern]) => pattern.test(text)) ?? [];
  return { status, hint };
}
