import type { Context, MiddlewareHandler } from "hono";
import type { z } from "zod";
import { PrimaryError } from "../errors.ts";
import { limits } from "../limits.ts";
import { isReadableJson } from "./media-type.ts";

/**
 * Reads the body before the routes do, and refuses one of more than `maxBytes` with 413, also when its length is not
 * told. (Hono's own limit can't wrap the requests of its Node server without replacing the global `Request`.)
 */
export function limitBody(maxBytes: number): MiddlewareHandler {
  return async (context, next) => {
    const { raw, url } = context.req;
    const { method, headers } = raw;
    if (method === "GET" || method === "HEAD" || raw.body === null) return next();
    if (Number(headers.get("content-length") ?? 0) > maxBytes) throw tooLarge(maxBytes);
    const chunks: Uint8Array[] = [];
    let length = 0;
    for await (const chunk of raw.body as ReadableStream<Uint8Array>) {
      length += chunk.byteLength;
      if (length > maxBytes) throw tooLarge(maxBytes);
      chunks.push(chunk);
    }
    context.req.raw = new Request(url, {
      method,
      headers,
      body: Buffer.concat(chunks),
      signal: raw.signal,
    });
    return next();
  };
}

function tooLarge(maxBytes: number): PrimaryError {
  return new PrimaryError("body_too_large", `the request body is larger than ${maxBytes} bytes`);
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
    checked.error.issues
      .slice(0, limits.maxAttributeErrors)
      .map(({ path, message }) => [path.join(".").slice(0, 256) || "(whole)", message]),
  );
  const [first] = Object.entries(attributeErrors);
  throw new PrimaryError("invalid_request", `${what} is not valid: ${first?.join(": ")}`, {
    attributeErrors,
  });
}
