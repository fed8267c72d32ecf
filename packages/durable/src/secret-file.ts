import { closeSync, fstatSync, openSync, readFileSync } from "node:fs";

/** A file with a secret that others can read; the message says what to do. */
export class SecretFileError extends Error {
  readonly code = "secret_open_to_others";

  constructor(message: string) {
    super(message);
    this.name = "SecretFileError";
  }
}

/** Who may do what with a file. */
export interface FileRights {
  path: string;
  /** Whom it belongs to. */
  uid: number;
  /** Permission bits. */
  mode: number;
}

/**
 * Why a secret in this file is none, and what to do; undefined when it is well kept. As OpenSSH and PostgreSQL have it: nobody else may read it,
 * but when it belongs to root (or another user than the one that reads it) its group may, since that is how a service is handed a secret.
 */
export function openToOthers({ path, uid, mode }: FileRights, ownUid: number): string | undefined {
  const isHandedOver = uid === 0 || uid !== ownUid;
  const open = mode & (isHandedOver ? 0o027 : 0o077);
  if (open === 0) return undefined;
  const who = (open & 0o007) === 0 ? "its group" : "every user of this machine";
  const rights = (mode & 0o777).toString(8).padStart(4, "0");
  return `${who} may read or change ${path} (mode ${rights}): chmod 600 ${path}, and replace the secret in it if others may have read it`;
}

/**
 * Reads a file that holds a secret. What is no file on a disk, such as a pipe, is taken as it is.
 * @throws SecretFileError when others can read it, Error of Node when it can't be read
 */
export function readSecretFile(path: string): string {
  const file = openSync(path, "r");
  try {
    const found = fstatSync(file);
    const ownUid = process.geteuid?.();
    if (ownUid !== undefined && found.isFile()) {
      const refusal = openToOthers({ path, uid: found.uid, mode: found.mode }, ownUid);
      if (refusal !== undefined) throw new SecretFileError(refusal);
    }
    return readFileSync(file, "utf8");
  } finally {
    closeSync(file);
  }
}
