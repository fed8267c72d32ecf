import { Command } from "commander";
import { endpointSuiteCommand } from "./conformance-endpoint.ts";
import { serviceSuiteCommand } from "./conformance-service.ts";

/** `sallyport conformance …`: whether a cloud endpoint or a primary keeps the rules of NBWSS 1.0. */
export function conformanceCommand(): Command {
  return new Command("conformance")
    .description("find out whether a cloud endpoint or a primary keeps the rules of NBWSS 1.0")
    .addCommand(endpointSuiteCommand())
    .addCommand(serviceSuiteCommand());
}
