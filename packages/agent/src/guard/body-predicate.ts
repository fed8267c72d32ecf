import { z } from "zod";
import type { JsonBody } from "./json-body.ts";

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

/** Whether all conditions hold; "unknown" for a body that can't be read as JSON in one way only. */
export function meetsAll(
  predicates: readonly BodyPredicate[],
  body: JsonBody | undefined,
): boolean | "unknown" {
  if (body === undefined) return "unknown";
  return predicates.every((predicate) => meets(predicate, valueAt(body.value, predicate.at)));
}

function meets({ equals, oneOf, startsWith, exists }: BodyPredicate, value: unknown): boolean {
  if (exists !== undefined) return (value !== undefined) === exists;
  if (startsWith !== undefined) return typeof value === "string" && value.startsWith(startsWith);
  if (oneOf !== undefined) return oneOf.some((one) => one === value);
  return equals === value;
}

/** The value at a JSON pointer (RFC 6901); undefined when there is none. */
export function valueAt(value: unknown, pointer: string): unknown {
  let found = value;
  for (const part of pointer.split("/").slice(1)) {
    const name = part.replaceAll("~1", "/").replaceAll("~0", "~");
    if (typeof found !== "object" || found === null || !Object.hasOwn(found, name)) return undefined;
    found = (found as Record<string, unknown>)[name];
  }
  return found;
}
