import { readFileSync } from "node:fs";
import { readSecretFile, SecretFileError } from "@sallyport/durable";
import { Failure } from "../failure.ts";

/** A file that holds a secret, and that nobody else can read. @throws Failure that quotes nothing of it */
export function readSecretText(file: string, option: string): string {
  return readBy(() => readSecretFile(file), option);
}

/** A file that holds no secret. @throws Failure */
export function readPublicText(file: string, option: string): string {
  return readBy(() => readFileSync(file, "utf8"), option);
}

function readBy(read: () => string, option: string): string {
  try {
    return read();
  } catch (error) {
    if (error instanceof SecretFileError)
      throw new Failure(`the file of ${option} is no secret: ${error.message}`, {
        cause: error,
        exitCode: 2,
      });
    // The path itself may be a secret that was given where its file should be named.
    const { code } = error as NodeJS.ErrnoException;
    throw new Failure(`the file of ${option} can't be read (${code})`, { cause: error, exitCode: 2 });
  }
}

/** The first lines of such a file. @throws Failure */
export function readFirstLines(file: string, option: string, count: number): string[] {
  const text = readSecretText(file, option);
  const lines = text.split(/\r?\n/).slice(0, count);
  if (lines.length === count && lines.every((line) => line !== "")) return lines;
  throw new Failure(`the file of ${option} has to have ${count} ${count === 1 ? "line" : "lines"}`, {
    exitCode: 2,
  });
}

/** The keys of an SSH server from a `.pub` file or from lines of known_hosts, whichever host they stand for. */
export function readSshHostKeys(text: string): string[] {
  const key =
    /(?:^|\s)((?:ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(?:256|384|521)) [A-Za-z0-9+/]+={0,2})(?:\s|$)/;
  const found = text
    .split(/\r?\n/)
    .filter((line) => !line.startsWith("#"))
    .flatMap((line) => key.exec(line)?.[1] ?? []);
  if (found.length > 0) return [...new Set(found)];
  throw new Failure("the file of --host-key holds no public key of a server (ssh-ed25519 AAAA…)", {
    exitCode: 2,
  });
}

/** Takes `sftp://USER@HOST[:PORT]/FOLDER` apart. @throws Failure */
export function readSshServer(url: string): { user: string; host: string; port: number; volume: string } {
  const parts = /^sftp:\/\/([^@/:]+)@(\[[0-9a-f:]+\]|[^:/@[\]]+)(?::(\d{1,5}))?(\/.+)$/i.exec(url);
  if (parts === null) {
    throw new Failure("--sftp has to be sftp://USER@HOST[:PORT]/FOLDER", { exitCode: 2 });
  }
  const [, user = "", host = "", port = "22", volume = ""] = parts;
  return { user, host: host.replaceAll(/[[\]]/g, ""), port: Number(port), volume };
}

/** Takes a URL apart into the server and the path there. @throws Failure, also when it holds a password */
export function splitUrl(text: string): { origin: string; path: string } {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isPlain = url !== undefined && url.username === "" && url.search === "" && url.hash === "";
  const path = url?.pathname.replaceAll(/^\/+|\/+$/g, "") ?? "";
  if (!isPlain || path === "") {
    // Not quoted: it may hold a password.
    throw new Failure("the URL has to be https://HOST[:PORT]/PATH, without user and password", {
      exitCode: 2,
    });
  }
  return { origin: url.origin, path };
}
