import { z } from "zod";
import type { SettingNotes } from "./setting-notes.ts";
import { hubSettingsSchema } from "./settings.ts";

/** One setting, by the three names that it goes by. */
export interface Setting {
  /** Its key in a configuration file, such as `tls.cert`. */
  path: string;
  /** Such as `--tls-cert`; limits share the flag `--limit`. */
  flag: string;
  /** Such as `SALLYPORT_HUB_TLS_CERT`. */
  variable: string;
  description: string;
  /** How its value is written in help texts. */
  placeholder: string;
  isPath: boolean;
  /** How a flag's or variable's text becomes its value. */
  kind: "text" | "number" | "boolean" | "list";
  /** Undefined when it has none. */
  defaultValue: unknown;
}

/** What the names of all environment variables of settings begin with. */
export const variablePrefix = "SALLYPORT_HUB_";
/** The flag that all limits share: `--limit maxMessageBytes=1000000`. */
export const limitFlag = "--limit";

/** Every setting of the hub, in the order of the schema. */
export const hubSettings: readonly Setting[] = listSettings(hubSettingsSchema, []);

/** The paths that hold other settings, such as `tls`. */
export const settingGroups: ReadonlySet<string> = new Set(
  hubSettings.flatMap(({ path }) => (path.includes(".") ? [path.slice(0, path.lastIndexOf("."))] : [])),
);

function listSettings(schema: z.ZodType, path: readonly string[]): Setting[] {
  const { inner, notes, defaultValue } = unwrap(schema);
  if (inner instanceof z.ZodObject) {
    const shape = inner.shape as Record<string, z.ZodType>;
    return Object.entries(shape).flatMap(([name, below]) => listSettings(below, [...path, name]));
  }
  const words = path.map(toWords);
  const isLimit = path[0] === "limits";
  return [
    {
      path: path.join("."),
      flag: isLimit ? limitFlag : `--${words.join("-")}`,
      variable: `${variablePrefix}${words.join("_").replaceAll("-", "_").toUpperCase()}`,
      description: notes.description ?? "",
      placeholder: notes.placeholder ?? "value",
      isPath: notes.isPath === true,
      kind: kindOf(inner),
      defaultValue,
    },
  ];
}

interface Unwrapped {
  inner: z.ZodType;
  notes: SettingNotes & { description?: string };
  defaultValue: unknown;
}

/** Looks through defaults and options; what the outer layers say goes before the inner ones. */
function unwrap(schema: z.ZodType): Unwrapped {
  const own = (schema.meta() ?? {}) as Unwrapped["notes"];
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodOptional || schema instanceof z.ZodPrefault) {
    const below = unwrap(schema.unwrap() as z.ZodType);
    const defaultValue = schema instanceof z.ZodDefault ? schema.def.defaultValue : below.defaultValue;
    return { inner: below.inner, notes: { ...below.notes, ...own }, defaultValue };
  }
  return { inner: schema, notes: own, defaultValue: undefined };
}

function kindOf(schema: z.ZodType): Setting["kind"] {
  if (schema instanceof z.ZodNumber) return "number";
  if (schema instanceof z.ZodBoolean) return "boolean";
  return schema instanceof z.ZodArray ? "list" : "text";
}

/** `publicUrl` → `public-url`. */
function toWords(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
