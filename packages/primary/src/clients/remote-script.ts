/** Quotes a text for a POSIX shell. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** Quotes a path, whose bytes need not be text. */
function quotePath(path: string): string {
  return quote(path).replaceAll(/\uFFFD([0-9a-f]{2})/g, (_found, hex: string) => {
    return `'"$(printf '\\${Number.parseInt(hex, 16).toString(8)}')"'`;
  });
}

/**
 * Restic's way to the repository: its "rclone" is a shell that joins it to the SSH connection. When that ends, the first
 * `cat` does, and restic is stopped: nothing of a backup outlives its connection.
 */
const pipes = `sh -c '{ exec 4>&- 2>/dev/null; cat <&3; kill $PPID; } & cat >&4; kill $! 2>/dev/null'`;

/** The beginning of every script: standard input and output become the way to the repository, all else is told on standard error. */
function opening(password: string): string[] {
  return [
    "umask 077",
    "command -v restic >/dev/null 2>&1 || { echo 'restic is not installed on this client' >&2; exit 127; }",
    "exec 3<&0 4>&1 1>&2 </dev/null",
    `export RESTIC_PASSWORD=${quote(password)} RESTIC_PROGRESS_FPS=5 TZ=UTC LC_ALL=C`,
    `sallyport_restic() { restic --repo rclone:sallyport --no-cache --option ${quote(`rclone.program=${pipes}`)} "$@"; }`,
  ];
}

/** Backs up paths. @param args options of `restic backup` that need no input */
export function backupScript(
  password: string,
  selections: readonly string[],
  args: readonly string[],
): string {
  return [
    ...opening(password),
    `printf '%s\\0' ${selections.map(quotePath).join(" ")} | sallyport_restic backup --json --files-from-raw=- ${args.map(quote).join(" ")}`,
  ].join("\n");
}

/** What marks a script's own lines among those of the programs that it runs. */
export const marks = {
  placed: "sallyport-placed",
  skipped: "sallyport-skipped",
  missing: "sallyport-missing",
};

const restoreFunctions = `
parent_of() {
  parent=/ rest=\${1#/}
  while :; do
    case $rest in */*) part=\${rest%%/*} rest=\${rest#*/} ;; *) return 0 ;; esac
    next=\${parent%/}/$part
    if [ -L "$next" ]; then echo "$next is a symbolic link, which a restore does not follow: name the real folder"; return 1; fi
    [ -e "$next" ] || return 0
    if [ ! -d "$next" ]; then echo "$next is not a folder: choose another destination"; return 1; fi
    parent=$next
  done
}
keep_existing() {
  if [ -d "$1" ] && [ ! -L "$1" ]; then
    (cd "$1" && find . ! -type d -exec sh -c 'for f; do
      if [ -e "$0/$f" ] || [ -L "$0/$f" ]; then printf "${marks.skipped} %s\\n" "$0/\${f#./}"; rm -f -- "$f"; fi
    done' "$2" {} +)
  elif [ -e "$2" ] || [ -L "$2" ]; then printf '${marks.skipped} %s\\n' "$2"; rm -f -- "$1"; fi
}
place() {
  staged=$stage$1 to=$2
  if [ ! -e "$staged" ] && [ ! -L "$staged" ]; then printf '${marks.missing} %s\\n' "$1"; failed=1; return; fi
  if ! parent_of "$to"; then failed=1; return; fi
  [ "$overwrite" = 1 ] || keep_existing "$staged" "$to"
  [ -e "$staged" ] || [ -L "$staged" ] || return
  files=$(find "$staged" ! -type d -printf x | wc -c)
  bytes=$(find "$staged" -type f -printf '%s\\n' | awk '{ n += $1 } END { printf "%d", n }')
  mkdir -p -- "$(dirname -- "$to")" || { failed=1; return; }
  how=-al
  [ "$(stat -c %d -- "$staged")" = "$(stat -c %d -- "$(dirname -- "$to")")" ] || how=-a
  cp $how --remove-destination -T -- "$staged" "$to" || failed=1
  printf '${marks.placed} %s %s\\n' "$files" "$bytes"
}`;

/** Restores paths of one snapshot into a staging folder on the client, and from there into their places. */
export function restoreScript(restore: {
  password: string;
  snapshotId: string;
  /** Options of `restic restore`: what of the snapshot is wanted. */
  includes: readonly string[];
  moves: readonly { path: string; destination: string }[];
  overwrites: boolean;
}): string {
  const { password, snapshotId, includes, moves, overwrites } = restore;
  const first = moves[0]?.destination ?? "/";
  return [
    ...opening(password),
    restoreFunctions,
    `failed=0 overwrite=${overwrites ? 1 : 0}`,
    `parent_of ${quotePath(first)} || exit 5`,
    'stage=$(mktemp -d "${parent%/}/.sallyport-restore-XXXXXXXX") || exit 5',
    `trap 'chmod -R u+rwX -- "$stage" 2>/dev/null; rm -rf -- "$stage"' EXIT`,
    "trap 'exit 1' HUP INT TERM PIPE",
    `sallyport_restic restore --no-lock --target="$stage" ${includes.map(quote).join(" ")} -- ${quote(snapshotId)} || exit`,
    ...moves.map(({ path, destination }) => `place ${quotePath(path)} ${quotePath(destination)}`),
    "exit $failed",
  ].join("\n");
}

/** Says what a client is and has. */
export const checkScript = [
  "exec 1>&2 </dev/null",
  "uname -srm",
  "command -v restic >/dev/null 2>&1 || { echo 'restic is not installed on this client'; exit 127; }",
  "restic version",
  'if [ "$(id -u)" = 0 ]; then echo "logged in as root: every file can be read"; else echo "logged in as $(id -un): only what that user may read is backed up"; fi',
].join("\n");
