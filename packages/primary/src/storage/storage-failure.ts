import { PrimaryError, type PrimaryErrorCode } from "../errors.ts";

/** What restic's words stand for, first match first. */
const reasons: readonly (readonly [pattern: RegExp, status: number])[] = [
  [/no space left on device|disk quota exceeded|insufficient storage|quota ?exceeded/i, 129],
  [
    /unable to open (config file|repository)|wrong password|no key found|repository does not exist|create repository|unable to create lock|already locked|host key verification failed|permission denied \(publickey|access ?denied|signaturedoesnotmatch|request signature we calculated|invalidaccesskeyid|(401|403) (unauthorized|forbidden)/i,
    2106,
  ],
  [
    /input\/output error|read-only file system|unable to save|connection (refused|reset|lost|closed)|broken pipe|unexpected EOF|no route to host|no such host|timed? ?out|network is unreachable|unexpected HTTP response|server response unexpected/i,
    84,
  ],
];

/** The NetBackup status that restic's own words about its repository stand for; undefined when they say nothing. */
export function storageStatus(text: string): number | undefined {
  return reasons.find(([pattern]) => pattern.test(text))?.[1];
}

const codes: Readonly<Record<number, PrimaryErrorCode>> = { 129: "storage_full" };

/** The error of a repository that can't be used, from restic's own words. */
export function storageError(message: string): PrimaryError {
  return new PrimaryError(
    codes[storageStatus(message) ?? 0] ?? "storage_unusable",
    message + inParentheses(storageHint(message)),
  );
}

const hints: readonly (readonly [pattern: RegExp, hint: string])[] = [
  [
    /host key verification failed/i,
    "the server shows another host key than the one that is pinned: if it was changed on purpose, set the new one",
  ],
  [/permission denied \(publickey/i, "the server does not let this private key in: add its public key there"],
  [
    /wrong password|no key found/i,
    "the repository was made with another key: name that with --key-file, or choose an empty place",
  ],
  [
    /401 unauthorized|403 forbidden|access ?denied|signaturedoesnotmatch|request signature we calculated|invalidaccesskeyid/i,
    "check the storage server's user and password or access key",
  ],
  [
    /certificate signed by unknown authority|certificate is not trusted/i,
    "name the authority of the server's certificate: --ca, or caPem in the API",
  ],
];

/** What restic's own words mean for an administrator, where they do not say it; empty when they do. */
export function storageHint(text: string): string {
  return hints.find(([pattern]) => pattern.test(text))?.[1] ?? "";
}

function inParentheses(hint: string): string {
  return hint === "" ? "" : ` (${hint})`;
}
