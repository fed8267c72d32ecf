import { setImmediate as nextTurn } from "node:timers/promises";
import { isWithin, reaches, type Caller } from "../access/roles.ts";
import type { Access } from "../access/access.ts";
import type { EventLog } from "../log/log.ts";
import type { Audit, AuditEntry } from "./audit.ts";

/** An entry with its place in the log. */
export interface StoredAuditEntry extends AuditEntry {
  position: number;
  /** ISO 8601. */
  time: string;
}

/** Which entries are wanted; each given member has to fit. */
export interface AuditQuery {
  /** Id of a key or user. */
  actor?: string | undefined;
  /** The beginning of the action. */
  action?: string | undefined;
  /** The whole target. */
  target?: string | undefined;
  result?: string | undefined;
  /** Id of a primary. */
  primary?: string | undefined;
  /** ISO 8601, the first moment wanted. */
  since?: string | undefined;
  /** ISO 8601, the first moment not wanted. */
  until?: string | undefined;
  limit: number;
  /** Entries with a smaller position. */
  before: number;
}

/** One page, newest first. */
export interface AuditPage {
  data: StoredAuditEntry[];
  /** What `before` has to be for the next page; undefined on the last. */
  next: number | undefined;
}

/** What reading the audit needs. */
export interface AuditListOptions {
  log: Pick<EventLog, "backwards" | "positionAt">;
  access: Pick<Access, "visiblePrimaries">;
  audit: Pick<Audit, "written">;
}

/** Entries that are looked at for one page; then it is given as it is, with where to go on. */
const maxScanned = 10_000;
const batchEntries = 500;

/**
 * Reads a page of the audit, straight from the log: the entries are there by type and target, and a table of their own would be written
 * with every command. A page costs a bounded time; where few entries fit it may be short, even empty, and there are more.
 */
export async function listAudit(
  options: AuditListOptions,
  caller: Caller,
  query: AuditQuery,
): Promise<AuditPage> {
  const { log, audit } = options;
  await audit.written();
  const { limit, since, until } = query;
  const fits = makeFilter(options, caller, query);
  const source = query.target ?? (query.primary === undefined ? undefined : `/primaries/${query.primary}`);
  const first = since === undefined ? 0 : await log.positionAt(toUtc(since));
  const end = until === undefined ? Infinity : await log.positionAt(toUtc(until));
  let before = Math.min(query.before, end);
  const data: StoredAuditEntry[] = [];
  for (let scanned = 0; scanned < maxScanned; scanned += batchEntries) {
    const events = await log.backwards({ type: "sallyport.audit", source, before, limit: batchEntries });
    for (const { position, time, data: entry } of events) {
      if (position < first) return { data, next: undefined };
      before = position;
      const stored = { ...(entry as AuditEntry), position, time };
      if (!fits(stored)) continue;
      data.push(stored);
      if (data.length === limit) return { data, next: position };
    }
    if (events.length < batchEntries) return { data, next: undefined };
    // Commands go on between two batches.
    await nextTurn();
  }
  return { data, next: before };
}

/**
 * Administrators of the whole hub see everything. Others see what was done to the primaries within their scope, and what they did
 * themselves.
 */
function makeFilter({ access }: AuditListOptions, caller: Caller, query: AuditQuery) {
  const seesAll = reaches(caller.role, "administrator") && isWithin({ kind: "all" }, caller.scope);
  const visible = access.visiblePrimaries(caller);
  const isVisible = ({ actor, target }: StoredAuditEntry) => {
    if (seesAll || actor?.id === caller.id) return true;
    const [, kind, id = ""] = target.split("/");
    return kind === "primaries" && id !== "" && (visible === "all" || visible.has(id));
  };
  const { actor, action = "", result, target, primary } = query;
  return (entry: StoredAuditEntry) =>
    (actor === undefined || entry.actor?.id === actor) &&
    entry.action.startsWith(action) &&
    (result === undefined || entry.result === result) &&
    (target === undefined || entry.target === target) &&
    (primary === undefined || entry.target === `/primaries/${primary}`) &&
    isVisible(entry);
}

/** The log's own form, which sorts as text. */
function toUtc(moment: string): string {
  return new Date(moment).toISOString();
}
