import { HubError } from "./errors.ts";

/** An error as the HTTP API answers it: RFC 9457, with NetBackup's members beside it. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  /** The hub's stable code, such as `no_such_primary`. */
  code: string;
  errorCode: number;
  errorMessage: string;
  errorDetails: string[];
  retrySafe: boolean;
  /** Only from the gateway. */
  mayHaveBeenExecuted?: boolean;
}

/** A whole answer, ready to be written. */
export interface ProblemAnswer {
  status: number;
  headers: Record<string, string>;
  body: string;
}

/** Makes the answer for any error; what is no HubError says nothing of its inside. */
export function problemAnswer(error: unknown): ProblemAnswer {
  const known =
    error instanceof HubError ? error : new HubError("internal", "the hub failed; its log says more");
  const { status, title, errorCode, relay } = known.row;
  const problem: Problem = {
    type: `urn:sallyport:problem:${known.code}`,
    title,
    status,
    detail: known.message,
    code: known.code,
    errorCode,
    errorMessage: known.message,
    errorDetails: [],
    retrySafe: known.retrySafe,
  };
  if (known.mayHaveBeenExecuted !== undefined) problem.mayHaveBeenExecuted = known.mayHaveBeenExecuted;
  const headers: Record<string, string> = {
    "content-type": "application/problem+json",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
  };
  if (known.retryAfterS !== undefined) headers["retry-after"] = String(known.retryAfterS);
  if (relay !== undefined) headers["sallyport-error"] = relay;
  if (known.code === "unauthenticated") headers["www-authenticate"] = 'Bearer realm="sallyport"';
  return { status, headers, body: JSON.stringify(problem) };
}
