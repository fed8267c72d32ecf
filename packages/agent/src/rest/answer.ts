import type { Context } from "hono";
import { AgentError, agentErrors } from "../errors.ts";
import { isReadable } from "./media-type.ts";

/** Answers a refusal in NetBackup's error shape; the server that mounts the route gives it NetBackup's media type. */
export function answerError(context: Context, error: AgentError): Response {
  const { httpStatus, errorCode } = agentErrors[error.code];
  const attributes = error.attributeErrors === undefined ? {} : { attributeErrors: error.attributeErrors };
  // What is left of the body is not read, so the connection can't be used again.
  if (error.code === "body_too_large") context.header("Connection", "close");
  return context.json(
    { errorCode, errorMessage: error.message, errorDetails: [], ...attributes },
    httpStatus,
  );
}

/**
 * Reads a JSON body.
 * @throws AgentError `unsupported_media_type` or `invalid_details`
 */
export async function jsonBody(context: Context): Promise<unknown> {
  const contentType = context.req.header("content-type");
  if (!isReadable(contentType)) {
    throw new AgentError(
      "unsupported_media_type",
      `the Content-Type "${contentType}" is not supported: use application/vnd.netbackup+json;version=14.0`,
    );
  }
  try {
    return await context.req.json<unknown>();
  } catch (error) {
    throw new AgentError("invalid_details", "the body is not JSON", { cause: error });
  }
}
