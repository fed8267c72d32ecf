import type { Database } from "@sallyport/durable";

/** How far the notifications that a source numbers for one server group are stored. */
export interface StoredStanding {
  /** Such as `/primaries/<id>`. */
  source: string;
  groupId: string;
  /** Whose positions these are; another journal has others. */
  journal: string;
  /** Everything up to here is stored. */
  position: number;
  /** The id of the message with that position; null when none has come in this journal. */
  id: string | null;
}

/** What an append changes of a standing, in the same transaction. */
export type StandingChange =
  /** Whatever it was before. */
  | { kind: "set"; standing: StoredStanding }
  /**
   * To a position in the same journal, when everything before `from` is stored already; a position that it has passed leaves it as it is.
   * Anything else is refused, and with it the append.
   */
  | { kind: "advance"; from: number; standing: StoredStanding }
  /** The source does not number any more: for one group, or at all. */
  | { kind: "forget"; source: string; groupId?: string };

/** The schema, as a migration of the log. */
export const standingsSchema = `CREATE TABLE standings (
  source TEXT NOT NULL,
  group_id TEXT NOT NULL,
  journal TEXT NOT NULL,
  position INTEGER NOT NULL,
  message_id TEXT,
  PRIMARY KEY (source, group_id)
) STRICT, WITHOUT ROWID;`;

/** Standings by key, as a transaction leaves them. */
export type ChangedStandings = Map<string, StoredStanding | undefined>;

interface Row {
  source: string;
  group_id: string;
  journal: string;
  position: number;
  message_id: string | null;
}

/** The standings of a log: changed within its transactions, shown when they are on the disk. One row for each primary and group. */
export class Standings {
  readonly #durable: Map<string, StoredStanding>;
  readonly #put;
  readonly #advance;
  readonly #find;
  readonly #ofSource;
  readonly #remove;

  constructor(database: Database) {
    this.#put = database.prepare("INSERT OR REPLACE INTO standings VALUES (?, ?, ?, ?, ?)");
    this.#advance = database.prepare(
      `UPDATE standings SET position = ?, message_id = ?
       WHERE source = ? AND group_id = ? AND journal = ? AND position >= ? AND position < ?`,
    );
    this.#find = database.prepare("SELECT * FROM standings WHERE source = ? AND group_id = ?");
    this.#ofSource = database.prepare("SELECT * FROM standings WHERE source = ?");
    this.#remove = database.prepare("DELETE FROM standings WHERE source = ? AND group_id = ?");
    const rows = database.prepare("SELECT * FROM standings").all() as unknown as Row[];
    this.#durable = new Map(rows.map((row) => [keyOf(row.source, row.group_id), toStanding(row)]));
  }

  /** How far it is on the disk. */
  get(source: string, groupId: string): StoredStanding | undefined {
    return this.#durable.get(keyOf(source, groupId));
  }

  /** Within a transaction: makes a change and notes it in `changed`. Returns false when it is refused, and nothing was changed. */
  apply(change: StandingChange, changed: ChangedStandings): boolean {
    if (change.kind === "forget") {
      const { source, groupId } = change;
      const groups = groupId === undefined ? this.#groupsOf(source) : [groupId];
      for (const group of groups) {
        this.#remove.run(source, group);
        changed.set(keyOf(source, group), undefined);
      }
      return true;
    }
    const { source, groupId, journal, position, id } = change.standing;
    if (change.kind === "set") this.#put.run(source, groupId, journal, position, id);
    else {
      const { changes } = this.#advance.run(
        position,
        id,
        source,
        groupId,
        journal,
        change.from - 1,
        position,
      );
      if (changes === 0) return this.#hasPassed(change.standing);
    }
    changed.set(keyOf(source, groupId), change.standing);
    return true;
  }

  /** What a transaction has changed is on the disk now. */
  settle(changed: ChangedStandings): void {
    for (const [key, standing] of changed) {
      if (standing === undefined) this.#durable.delete(key);
      else this.#durable.set(key, standing);
    }
  }

  /** Within a transaction: what others have changed is not on the disk, and never happened. */
  takeBack(changed: ChangedStandings): void {
    for (const key of changed.keys()) {
      const standing = this.#durable.get(key);
      if (standing === undefined) this.#remove.run(...partsOf(key));
      else {
        const { source, groupId, journal, position, id } = standing;
        this.#put.run(source, groupId, journal, position, id);
      }
    }
  }

  #groupsOf(source: string): string[] {
    const rows = this.#ofSource.all(source) as unknown as Row[];
    return rows.map(({ group_id: groupId }) => groupId);
  }

  #hasPassed({ source, groupId, journal, position }: StoredStanding): boolean {
    const row = this.#find.get(source, groupId) as unknown as Row | undefined;
    return row?.journal === journal && row.position >= position;
  }
}

/** A source has no space in it. */
function keyOf(source: string, groupId: string): string {
  return `${source} ${groupId}`;
}

function partsOf(key: string): [source: string, groupId: string] {
  const at = key.indexOf(" ");
  return [key.slice(0, at), key.slice(at + 1)];
}

function toStanding({ source, group_id: groupId, journal, position, message_id: id }: Row): StoredStanding {
  return { source, groupId, journal, position, id };
}
