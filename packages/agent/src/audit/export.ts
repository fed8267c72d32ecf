import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { listAuditFiles } from "./audit-files.ts";
import { readEntry } from "./entry.ts";

/** Which entries are wanted; all unless said. */
export interface AuditSelection {
  sinceMs?: number | undefined;
  /** Not this moment itself. */
  untilMs?: number | undefined;
  /** Beginning of the kind, such as `command.` or `ticket.approved`. */
  kind?: string | undefined;
}

/**
 * The entries of an audit in their order, each the line that stands there, with its hash.
 * @throws Error when the folder can't be read
 */
export async function* exportAudit(dir: string, selection: AuditSelection = {}): AsyncGenerator<string> {
  const { sinceMs = -Infinity, untilMs = Infinity, kind = "" } = selection;
  for (const { path } of listAuditFiles(dir)) {
    const lines = createInterface({ input: createReadStream(path, "utf8"), crlfDelay: Infinity });
    for await (const line of lines) {
      const entry = readEntry(line)?.entry;
      if (entry === undefined) continue;
      const atMs = Date.parse(entry.at);
      if (atMs >= sinceMs && atMs < untilMs && entry.kind.startsWith(kind)) yield line;
    }
  }
}
