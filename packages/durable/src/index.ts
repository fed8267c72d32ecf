export { openDatabase, openDatabaseForReading } from "./database.ts";
export type { Database, DatabaseOptions, Migration } from "./database.ts";
export { writeFileDurably, writeFileDurablySync } from "./file.ts";
export { DataFolderError, dataFolderErrors, takeDataFolder } from "./data-folder.ts";
export type { DataFolder } from "./data-folder.ts";
export { readSecretFile, SecretFileError } from "./secret-file.ts";
