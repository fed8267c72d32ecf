import { z } from "zod";

/** A name of a policy or schedule: NetBackup's characters, and not too long. */
export const policyNameSchema = z
  .string()
  .max(128, "must have at most 128 characters")
  .regex(/^[A-Za-z0-9_.+-]+$/, "must consist of letters, digits and _ . + -")
  .regex(/^[^-]/, "must not begin with -")
  .refine((name) => name !== "." && name !== "..", "must not be . or ..");
