import type { Context } from "hono";
import { PrimaryError } from "../errors.ts";
import { multipartBoundary } from "./media-type.ts";

/** The parts of a multipart request by their names. */
export interface FormParts {
  /** The text of a part; undefined when it is missing. */
  text: (name: string) => Promise<string | undefined>;
  /** @throws PrimaryError `invalid_request` when the part is missing */
  required: (name: string) => Promise<string>;
}

/**
 * Reads a multipart body in any of the spellings that clients use.
 * @throws PrimaryError `unsupported_media_type`, `invalid_request`
 */
export async function readParts(context: Context): Promise<FormParts> {
  const contentType = context.req.header("content-type");
  const boundary = multipartBoundary(contentType);
  if (boundary === undefined) {
    throw new PrimaryError(
      "unsupported_media_type",
      `the Content-Type "${contentType}" is not supported: use multipart/form-data with a boundary`,
    );
  }
  const form = await parseForm(await context.req.arrayBuffer(), boundary);
  const text = async (name: string): Promise<string | undefined> => {
    const part = form.get(name);
    return part instanceof File ? part.text() : (part ?? undefined);
  };
  const required = async (name: string): Promise<string> => {
    const found = await text(name);
    if (found === undefined) throw new PrimaryError("invalid_request", `the part "${name}" is missing`);
    return found;
  };
  return { text, required };
}

/** NetBackup's own type is plain form data under another name, which the platform's parser does not know. */
async function parseForm(body: ArrayBuffer, boundary: string): Promise<FormData> {
  const headers = { "content-type": `multipart/form-data; boundary="${boundary}"` };
  try {
    return await new Response(body, { headers }).formData();
  } catch (error) {
    throw new PrimaryError("invalid_request", "the multipart body can't be read", { cause: error });
  }
}
