/** What reaches stores by rclone, and has no option that runs a program of this machine. */
const types = new Set([
  "alias",
  "azureblob",
  "b2",
  "box",
  "chunker",
  "combine",
  "crypt",
  "drive",
  "dropbox",
  "ftp",
  "google cloud storage",
  "jottacloud",
  "koofr",
  "local",
  "mega",
  "onedrive",
  "pcloud",
  "s3",
  "sftp",
  "smb",
  "storj",
  "swift",
  "union",
  "webdav",
]);

/** Options of those that would run a program, or take one from elsewhere (`ssh`, `bearer_token_command`, …). */
const forbidden = /command|^ssh$|program|exec/i;
const section = /^\[([A-Za-z0-9_][A-Za-z0-9_.-]{0,63})\]$/;

/** The remotes that an rclone configuration names. */
export function rcloneRemotes(text: string): string[] {
  return text.split(/\r?\n/).flatMap((line) => section.exec(line.trim())?.[1] ?? []);
}

/** Why an rclone configuration can't be taken: what isn't plain, or could run a program; undefined when it can. */
export function rcloneConfigProblem(text: string): string | undefined {
  let remote: string | undefined;
  const typed = new Set<string>();
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const line = raw.trim();
    if (line === "" || line.startsWith("#") || line.startsWith(";")) continue;
    const at = `line ${index + 1}`;
    const name = section.exec(line)?.[1];
    if (name !== undefined) {
      remote = name;
      continue;
    }
    const [, key, value] = /^([A-Za-z0-9_-]+)\s*=\s*(.*)$/.exec(line) ?? [];
    if (key === undefined || value === undefined) return `${at} is neither [remote] nor option = value`;
    if (remote === undefined) return `${at} stands before the first [remote]`;
    if (forbidden.test(key)) return `${at}: "${key}" may run a program, which is not allowed`;
    if (key === "type" && !types.has(value)) return `${at}: a remote of this type is not allowed`;
    if (key === "type") typed.add(remote);
  }
  const remotes = rcloneRemotes(text);
  if (remotes.length === 0) return "it names no remote";
  const untyped = remotes.find((name) => !typed.has(name));
  return untyped === undefined ? undefined : `the remote "${untyped}" has no type`;
}
