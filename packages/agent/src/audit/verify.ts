import type { KeyObject } from "node:crypto";
import { createReadStream, existsSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { createInterface } from "node:readline";
import { listAuditFiles } from "./audit-files.ts";
import { auditFiles, checkpoint, isSigned, readPublicKey, type Checkpoint } from "./checkpoint.ts";
import { ChainCheck } from "./chain-check.ts";
import { readEntry } from "./entry.ts";
import type { AuditReport } from "./report.ts";

/**
 * Reads a whole audit and finds every entry that was changed, removed, moved, or cut off behind a checkpoint.
 * @param known what somebody kept elsewhere, so that who can write to the folder can't exchange it: the public key, and an older checkpoint
 * @throws Error when the folder can't be read
 */
export async function verifyAudit(
  dir: string,
  known: { publicKey?: KeyObject | undefined; checkpoint?: Checkpoint | undefined } = {},
): Promise<AuditReport> {
  const publicKey = known.publicKey ?? readPublicKey(join(dir, auditFiles.publicKey));
  const files = listAuditFiles(dir);
  const newest = newestCheckpoint(dir);
  const outside = [known.checkpoint, newest].filter((one) => one !== undefined);
  const check = new ChainCheck((word) => isSigned(word, publicKey), outside);
  for (const { path } of files) {
    let number = 0;
    for await (const { text, isWhole } of linesOf(path)) {
      number += 1;
      const at = `${basename(path)}:${number}`;
      const read = readEntry(text);
      // The last line of the file that is being written.
      if (read === undefined && !isWhole && path === files.at(-1)?.path) continue;
      if (read === undefined) check.unreadable(at);
      else check.entry(read, at);
    }
  }
  const report = check.end();
  if (newest === undefined && report.entries > 0) {
    const what = `${auditFiles.checkpoint} is missing: nobody can tell whether entries at the end are`;
    report.findings.push({ n: report.last, at: auditFiles.checkpoint, what });
  }
  return { ...report, files: files.length };
}

/** Reads a checkpoint that was kept. @throws Error when the file holds none */
export function readCheckpoint(file: string): Checkpoint {
  return checkpoint.parse(JSON.parse(readFileSync(file, "utf8")));
}

function newestCheckpoint(dir: string): Checkpoint | undefined {
  const file = join(dir, auditFiles.checkpoint);
  return existsSync(file) ? readCheckpoint(file) : undefined;
}

/** The lines of a file; the last one is not whole when it does not end. */
async function* linesOf(path: string): AsyncGenerator<{ text: string; isWhole: boolean }> {
  const stream = createReadStream(path, { encoding: "utf8" });
  let endsWithLine = true;
  stream.on("data", (chunk) => {
    endsWithLine = chunk.at(-1) === "\n";
  });
  let before: string | undefined;
  for await (const line of createInterface({ input: stream, crlfDelay: Infinity })) {
    if (before !== undefined) yield { text: before, isWhole: true };
    before = line;
  }
  if (before !== undefined) yield { text: before, isWhole: endsWithLine };
}
