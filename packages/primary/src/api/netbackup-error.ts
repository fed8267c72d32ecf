import type { Context } from "hono";
import { PrimaryError } from "../errors.ts";
import type { ApiEnvironment } from "./environment.ts";
import { answerType, newestVersion, type ApiVersion } from "./media-type.ts";

/** The body of every refusal (NetBackup REST, errors); clients read `errorDetails` without asking, so it is always there. */
export interface NetBackupErrorBody {
  errorCode: number;
  errorMessage: string;
  errorDetails: string[];
  attributeErrors?: Readonly<Record<string, string>>;
}

/** Makes the body of a refusal. */
export function errorBody(error: PrimaryError): NetBackupErrorBody {
  return {
    errorCode: error.netbackupCode,
    errorMessage: error.message,
    ...(error.attributeErrors === undefined ? {} : { attributeErrors: error.attributeErrors }),
    errorDetails: [],
  };
}

/** Turns anything that was thrown into a refusal; what we did not expect tells the client nothing of its cause. */
export function toPrimaryError(thrown: unknown): PrimaryError {
  if (thrown instanceof PrimaryError) return thrown;
  return new PrimaryError("internal", "the primary could not do this: its log tells why", { cause: thrown });
}

/** Answers a refusal. */
export function answerError(context: Context<ApiEnvironment>, error: PrimaryError): Response {
  // The rest of the body is not read, so the connection can't be used again.
  if (error.code === "body_too_large") context.header("Connection", "close");
  // Outside of what has a version there is none yet.
  const version = (context.get("version") as ApiVersion | undefined) ?? newestVersion;
  return context.json(errorBody(error), error.httpStatus, { "content-type": answerType("json", version) });
}
