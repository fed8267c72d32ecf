import { z } from "@hono/zod-openapi";
import { HubError } from "../errors.ts";

/** Items of one page when the caller names no number. */
const defaultLimit = 100;
/** Items of one page at most. */
const maxLimit = 1_000;

/** A whole number in a query, as text that is checked. */
export const wholeNumber = z
  .string()
  .regex(/^\d{1,15}$/, "has to be a whole number")
  .transform(Number);

/** The members `limit` and `cursor` of a list's query. */
export const pageQuery = {
  limit: wholeNumber
    .pipe(z.number().min(1).max(maxLimit))
    .default(defaultLimit)
    .openapi({ type: "integer", minimum: 1, maximum: maxLimit }),
  /** What the page before gave as `next`. */
  cursor: z.string().min(1).max(1_024).optional(),
};

/** A moment in a query, ISO 8601 with its zone, such as `2026-11-24T08:00:00Z`. */
export const momentQuery = z.iso.datetime({ offset: true });

/** A member that may be given several times; one alone is a list of one. */
export function repeated<T extends z.ZodType>(item: T) {
  return z
    .preprocess(
      (value) => (value === undefined || Array.isArray(value) ? value : [value]),
      z.array(item).max(20),
    )
    .optional();
}

/** A label in a query, as `name:value`. */
export const labelQuery = z
  .string()
  .regex(/^[\w.-]{1,64}:.{0,256}$/s, "has to be NAME:VALUE")
  .transform((text): [name: string, value: string] => {
    const at = text.indexOf(":");
    return [text.slice(0, at), text.slice(at + 1)];
  });

/** One page of a list: `next` is the cursor of the following page, null on the last. */
export function listOf<T extends z.ZodType>(item: T) {
  return z.object({ data: z.array(item), next: z.string().nullable() });
}

/** Makes an opaque cursor from the sort key of the last item of a page. */
export function toCursor(key: readonly (string | number | null)[]): string {
  return Buffer.from(JSON.stringify(key)).toString("base64url");
}

const keySchema = z.array(z.union([z.string(), z.number(), z.null()])).max(8);

/**
 * Reads a cursor of `toCursor`.
 * @param length how many values the list's sort key has
 * @throws HubError `bad_request` for what no page gave
 */
export function fromCursor(cursor: string, length: number): (string | number | null)[] {
  const parsed = keySchema.safeParse(toJson(cursor));
  if (parsed.success && parsed.data.length === length) return parsed.data;
  throw new HubError("bad_request", "cursor: is none that this list gave; begin without one");
}

function toJson(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, "base64url").toString("utf8")) as unknown;
  } catch {
    // Not JSON: the schema refuses it with the same words as any other wrong cursor.
    return undefined;
  }
}

/** Cuts a page from `limit + 1` items that were read, and makes the cursor of the next one. */
export function toPage<T>(
  items: readonly T[],
  limit: number,
  keyOf: (item: T) => readonly (string | number | null)[],
): { data: T[]; next: string | null } {
  const data = items.slice(0, limit);
  const last = data.at(-1);
  return { data, next: items.length > limit && last !== undefined ? toCursor(keyOf(last)) : null };
}
