import type { Database } from "@sallyport/durable";

/** The first difference between two databases, in words; undefined when their tables hold the same rows. */
export function compareTables(found: Database, expected: Database): string | undefined {
  const tables = [...new Set([...tablesOf(found), ...tablesOf(expected)])].sort();
  for (const table of tables) {
    const difference = compareTable(table, rowsOf(found, table), rowsOf(expected, table));
    if (difference !== undefined) return difference;
  }
  return undefined;
}

/** All tables but SQLite's own. */
function tablesOf(database: Database): string[] {
  const names = database
    .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'")
    .all();
  return names.map(({ name }) => String(name));
}

/** The rows in an order that depends on what they hold alone; none when the table is missing. */
function rowsOf(database: Database, table: string): Iterator<Record<string, unknown>> | undefined {
  const columns = database.prepare("SELECT name FROM pragma_table_info(?) ORDER BY cid").all(table);
  if (columns.length === 0) return undefined;
  const order = columns.map((_, index) => index + 1).join(", ");
  return database.prepare(`SELECT * FROM "${table}" ORDER BY ${order}`).iterate()[Symbol.iterator]();
}

function compareTable(
  table: string,
  found: Iterator<Record<string, unknown>> | undefined,
  expected: Iterator<Record<string, unknown>> | undefined,
): string | undefined {
  if (found === undefined) return `table ${table} is missing`;
  if (expected === undefined) return `table ${table} should not be there`;
  for (let row = 1; ; row += 1) {
    const left = found.next();
    const right = expected.next();
    if (left.done === true && right.done === true) return undefined;
    if (left.done === true) return `table ${table} lacks a row: ${shown(right.value)}`;
    if (right.done === true) return `table ${table} has a row too many: ${shown(left.value)}`;
    if (JSON.stringify(left.value) !== JSON.stringify(right.value)) {
      return `table ${table}, row ${row}: there is ${shown(left.value)}, the log says ${shown(right.value)}`;
    }
  }
}

/** A row to be read by a person; without what recognises a secret. */
function shown(row: Record<string, unknown>): string {
  return JSON.stringify(row, (name, value: unknown) => (/hash|secret|password/i.test(name) ? "…" : value));
}
