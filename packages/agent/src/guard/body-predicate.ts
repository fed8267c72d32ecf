import { z } from "zod";
import type { JsonBody } from "./json-body.ts";
import { fold } from "./path-pattern.ts";

const scalar = z.union([z.string().max(1024), z.number(), z.boolean(), z.null()]);

/** One condition on a JSON body: what stands at a JSON pointer (RFC 6901). */
export const bodyPredicate = z
  .strictObject({
    at: z
      .string()
      .max(512)
      .regex(/^(?:\/(?:[^~/]|~[01])*)*$/, "has to be a JSON pointer such as /data/type")
      .describe("JSON pointer to the value, such as `/data/type`"),
    equals: scalar.optional().describe("the value is this"),
    oneOf: z.array(scalar).min(1).max(256).optional().describe("the value is one of these"),
    startsWith: z.string().min(1).max(1024).optional().describe("the value is a text that begins so"),
    exists: z.boolean().optional().describe("there is a value, or there is none"),
  })
  .refine(
    ({ at: _at, ...tests }) => Object.values(tests).filter((test) => test !== undefined).length === 1,
    "needs exactly one of equals, oneOf, startsWith, exists",
  );

/** One condition on a JSON body. */
export type BodyPredicate = z.infer<typeof bodyPredicate>;

/**
 * Whether all conditions hold; "unknown" for a body that can't be read as JSON in one way only, and where a careless reader would find something else: one
 * that compares names and texts without regard to case, or takes `"1"` for 1.
 */
export function meetsAll(
  predicates: readonly BodyPredicate[],
  body: JsonBody | undefined,
): boolean | "unknown" {
  if (body === undefined) return "unknown";
  const found = predicates.map((predicate) => meets(predicate, body.value));
  if (found.includes(false)) return false;
  return found.includes("unknown") ? "unknown" : true;
}

function meets(predicate: BodyPredicate, body: unknown): boolean | "unknown" {
  const exact = holds(predicate, valueAt(body, predicate.at), (value) => value);
  const loose = holds(predicate, valueAt(body, predicate.at, fold), looseText);
  return exact === loose ? exact : "unknown";
}

function holds(
  { equals, oneOf, startsWith, exists }: BodyPredicate,
  value: unknown,
  as: (value: unknown) => unknown,
): boolean {
  if (exists !== undefined) return (value !== undefined) === exists;
  const [found, beginning] = [as(value), as(startsWith)];
  if (typeof beginning === "string") return typeof found === "string" && found.startsWith(beginning);
  if (oneOf !== undefined) return oneOf.some((one) => as(one) === found);
  return as(equals) === found;
}

/** What a scalar is to a careless reader; what is none stays what it is. */
function looseText(value: unknown): unknown {
  const isScalar = typeof value === "string" || typeof value === "number" || typeof value === "boolean";
  return isScalar ? fold(String(value).trim()) : value;
}

/**
 * The value at a JSON pointer (RFC 6901); undefined when there is none.
 * @param as how names are compared; letter by letter unless said
 */
export function valueAt(value: unknown, pointer: string, as = (name: string): string => name): unknown {
  let found = value;
  for (const part of pointer.split("/").slice(1)) {
    const name = as(part.replaceAll("~1", "/").replaceAll("~0", "~"));
    if (typeof found !== "object" || found === null) return undefined;
    const key = Object.keys(found).find((one) => as(one) === name);
    if (key === undefined) return undefined;
    found = (found as Record<string, unknown>)[key];
  }
  return found;
}
