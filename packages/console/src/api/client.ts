/** How long the console waits for an answer of the hub before it says that the hub cannot be reached. */
const answerTimeoutMs = 10_000;

/** What went wrong: no answer at all, or an answer that says no. */
export type ApiErrorCode = "hub-unreachable" | "hub-timeout" | "hub-refused";

interface ApiErrorInit {
  code: ApiErrorCode;
  /** The HTTP status; 0 when there was no answer. */
  status?: number;
  /** From `Retry-After`, in seconds. */
  retryAfterSeconds?: number | null;
  cause?: unknown;
}

/** A request that the hub did not fulfil. The message is a sentence for people. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly code: ApiErrorCode;
  readonly status: number;
  readonly retryAfterSeconds: number | null;

  constructor(message: string, init: ApiErrorInit) {
    super(message, { cause: init.cause });
    this.code = init.code;
    this.status = init.status ?? 0;
    this.retryAfterSeconds = init.retryAfterSeconds ?? null;
  }
}

interface ApiRequest {
  method?: "GET" | "POST" | "PATCH" | "DELETE";
  /** Sent as JSON. */
  body?: unknown;
  signal?: AbortSignal;
  /** For what takes the hub longer than most, ms. */
  timeoutMs?: number;
}

/**
 * Sends a request to the hub that served this page; the session travels in the hub's HttpOnly cookie.
 * @param path below `/api/v1`, with its leading slash
 * @throws {ApiError} when there is no answer, or an answer that is not 2xx
 */
export async function request(path: string, options: ApiRequest = {}): Promise<Response> {
  const { method = "GET", body, signal, timeoutMs = answerTimeoutMs } = options;
  const timeout = AbortSignal.timeout(timeoutMs);
  const init: RequestInit = {
    method,
    headers: {
      accept: "application/json, application/problem+json",
      ...(body === undefined ? {} : { "content-type": "application/json" }),
    },
    credentials: "same-origin",
    cache: "no-store",
    redirect: "error",
    signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
  };
  if (body !== undefined) init.body = JSON.stringify(body);
  let response: Response;
  try {
    response = await fetch(`/api/v1${path}`, init);
  } catch (cause) {
    // Given up by the page itself (left, or replaced by a newer request): that is no error of the hub's.
    if (signal?.aborted === true) throw cause;
    if (timeout.aborted) {
      const seconds = timeoutMs / 1000;
      throw new ApiError(`The hub did not answer within ${seconds} seconds.`, { code: "hub-timeout", cause });
    }
    throw new ApiError("The hub cannot be reached. Check the network, and that the hub is running.", {
      code: "hub-unreachable",
      cause,
    });
  }
  if (!response.ok) throw await refusal(response);
  return response;
}

/**
 * As {@link request}, for an answer in JSON. The hub that answers is the one that served this page, in the same
 * version, so its types are trusted and not checked again.
 */
export async function requestJson<Answer>(path: string, options?: ApiRequest): Promise<Answer> {
  const response = await request(path, options);
  return (await response.json()) as Answer;
}

async function refusal(response: Response): Promise<ApiError> {
  const seconds = Number.parseInt(response.headers.get("retry-after") ?? "", 10);
  return new ApiError(await sentenceOf(response), {
    code: "hub-refused",
    status: response.status,
    retryAfterSeconds: Number.isNaN(seconds) ? null : seconds,
  });
}

/** The most telling text of a problem document (RFC 9457). */
async function sentenceOf(response: Response): Promise<string> {
  const fallback = `The hub answered ${response.status} ${response.statusText}`.trimEnd();
  if (!(response.headers.get("content-type") ?? "").includes("json")) return `${fallback}.`;
  try {
    const problem = (await response.json()) as Record<string, unknown> | null;
    const texts = [problem?.["detail"], problem?.["errorMessage"], problem?.["title"]];
    const text = texts.find((candidate) => typeof candidate === "string" && candidate !== "");
    return typeof text === "string" ? asSentence(text) : `${fallback}.`;
  } catch {
    // A proxy in between may answer with anything: the status is then all there is to tell.
    return `${fallback}.`;
  }
}

/** The hub's messages begin small and end without a full stop, as log lines do. */
function asSentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? "" : "."}`;
}
