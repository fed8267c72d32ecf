export { openDatabase } from "./database.ts";
export type { Database, DatabaseOptions, Migration } from "./database.ts";
export { writeFileDurably } from "./file.ts";
