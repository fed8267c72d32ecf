import type { Context, MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import type { z } from "zod";
import { PrimaryError } from "../errors.ts";
import { isReadableJson } from "./media-type.ts";

/** Refuses a body of more than `maxBytes` with 413, also one whose length is not told. */
export function limitBody(maxBytes: number): MiddlewareHandler {
  return bodyLimit({
    maxSize: maxBytes,
    onError: () => {
      throw new PrimaryError("body_too_large", `the request body is larger than ${maxBytes} bytes`);
    },
  });
}

/**
 * Reads a JSON body.
 * @throws PrimaryError `unsupported_media_type` or `invalid_request`
 */
export async function readJson<T extends z.ZodType>(context: Context, schema: T): Promise<z.output<T>> {
  const contentType = context.req.header("content-type");
  if (!isReadableJson(contentType)) {
    throw new PrimaryError(
      "unsupported_media_type",
      `the Content-Type "${contentType}" is not supported: use application/vnd.netbackup+json;version=14.0`,
    );
  }
  return parseJson(await context.req.text(), schema, "the request body");
}

/**
 * Parses JSON and checks it.
 * @throws PrimaryError `invalid_request`, with the attributes that are wrong
 */
export function parseJson<T extends z.ZodType>(text: string, schema: T, what: string): z.output<T> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new PrimaryError("invalid_request", `${what} is not JSON`, { cause: error });
  }
  const checked = schema.safeParse(value);
  if (checked.success) return checked.data;
  const attributeErrors = Object.fromEntries(
    checked.error.issues.map(({ path, message }) => [path.join(".") || "(whole)", message]),
  );
  const [first] = Object.entries(attributeErrors);
  throw new PrimaryError("invalid_request", `${what} is not valid: ${first?.join(": ")}`, {
    attributeErrors,
  });
}
