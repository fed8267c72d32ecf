import type { Command } from "commander";
import { clientCommand } from "./primary-clients.ts";
import { commandCommand, databaseCommand } from "./primary-premises.ts";
import { keyCommand, recoverCatalogCommand } from "./primary-storage.ts";
import { storageCommand } from "./primary-storage-units.ts";

/** The commands below `sallyport primary` that work on its folder. */
export function primaryAdministrationCommands(): Command[] {
  return [
    storageCommand(),
    clientCommand(),
    commandCommand(),
    databaseCommand(),
    keyCommand(),
    recoverCatalogCommand(),
  ];
}
