import { z } from "zod";
import { limits } from "../limits.ts";
import { policyNameSchema } from "../policies/policy-name.ts";
import { PremisesFile } from "./premises-file.ts";

const argumentSchema = z
  .string()
  .max(limits.maxPathBytes)
  .refine((text) => !text.includes("\0") && text.isWellFormed(), "must be text without NUL");

/** A command that runs at the start or end of a policy's backups, as NetBackup's bpstart_notify and bpend_notify do. */
export const commandSchema = z.object({
  name: policyNameSchema,
  policy: policyNameSchema,
  /** Only for backups by this schedule; without it for all of the policy. */
  schedule: policyNameSchema.optional(),
  when: z.enum(["start", "end"]),
  /** The program's absolute path and exactly these arguments; no shell. */
  run: z
    .array(argumentSchema)
    .min(1)
    .max(limits.maxCommandArguments)
    .refine(([program = ""]) => program.startsWith("/"), "must begin with the absolute path of a program"),
  timeoutSeconds: z.int().min(1).max(limits.maxCommandSeconds).default(limits.defaultCommandSeconds),
});

/** A command of the local administrator. */
export type PremisesCommand = z.infer<typeof commandSchema>;

/** The commands that may run, in `commands.json` of the data folder. */
export type CommandFile = PremisesFile<typeof commandSchema>;

/** Opens `commands.json` of a data folder. */
export function commandFile(dataDir: string): CommandFile {
  return new PremisesFile({ dataDir, fileName: "commands.json", noun: "command", entry: commandSchema });
}

/** The command of a moment: one for the schedule goes before one for the whole policy. */
export function commandFor(
  commands: readonly PremisesCommand[],
  moment: { when: "start" | "end"; policyName: string; scheduleName: string },
): PremisesCommand | undefined {
  const fitting = commands.filter(({ when, policy }) => when === moment.when && policy === moment.policyName);
  return (
    fitting.find(({ schedule }) => schedule !== undefined && schedule === moment.scheduleName) ??
    fitting.find(({ schedule }) => schedule === undefined)
  );
}
