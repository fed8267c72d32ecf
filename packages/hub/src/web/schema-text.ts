/** What of a JSON Schema is shown. */
export interface Schema {
  $ref?: string;
  type?: string | string[];
  format?: string;
  enum?: unknown[];
  const?: unknown;
  properties?: Readonly<Record<string, Schema>>;
  required?: string[];
  additionalProperties?: Schema | boolean;
  items?: Schema;
  anyOf?: Schema[];
  oneOf?: Schema[];
  allOf?: Schema[];
  default?: unknown;
  minimum?: number;
  maximum?: number;
  maxLength?: number;
}

/** A schema as a type that people can read, in the manner of TypeScript; names of other schemas stand as `#Name`. */
export function typeText(schema: Schema, indent = ""): string {
  if (schema.$ref !== undefined) return `#${schema.$ref.split("/").at(-1) ?? ""}`;
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum !== undefined) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  const any = schema.anyOf ?? schema.oneOf;
  if (any !== undefined) return any.map((part) => typeText(part, indent)).join(" | ");
  if (schema.allOf !== undefined) return schema.allOf.map((part) => typeText(part, indent)).join(" & ");
  const types = [schema.type ?? "any"].flat();
  return types.map((type) => plainText(type, schema, indent)).join(" | ");
}

function plainText(type: string, schema: Schema, indent: string): string {
  if (type === "array") return `Array<${typeText(schema.items ?? {}, indent)}>`;
  if (type === "object") return objectText(schema, indent);
  const { format, minimum, maximum, maxLength, default: value } = schema;
  const notes = [
    format,
    minimum === undefined ? undefined : `≥ ${minimum}`,
    maximum === undefined || maximum === Number.MAX_SAFE_INTEGER ? undefined : `≤ ${maximum}`,
    maxLength === undefined ? undefined : `at most ${maxLength} characters`,
    value === undefined ? undefined : `default ${JSON.stringify(value)}`,
  ].filter((note) => note !== undefined);
  return notes.length === 0 || type === "null" ? type : `${type} (${notes.join(", ")})`;
}

function objectText({ properties, required = [], additionalProperties }: Schema, indent: string): string {
  const below = `${indent}  `;
  const lines = Object.entries(properties ?? {}).map(
    ([name, schema]) => `${below}${name}${required.includes(name) ? "" : "?"}: ${typeText(schema, below)}`,
  );
  if (typeof additionalProperties === "object")
    lines.push(`${below}[name]: ${typeText(additionalProperties, below)}`);
  return lines.length === 0 ? "object" : `{\n${lines.join("\n")}\n${indent}}`;
}
