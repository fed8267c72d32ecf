/** One row: what a code means for HTTP, for NetBackup's clients, and for whoever thinks of trying again. */
interface ErrorRow {
  /** HTTP status. */
  status: number;
  /** NetBackup's status code that is nearest. */
  errorCode: number;
  title: string;
  /** Whether the same call may be made again without harm: nothing was carried out. */
  retrySafe: boolean;
  /** What the header `Sallyport-Error` says, for errors of the gateway. */
  relay?: RelayError;
}

/** The errors that the gateway itself makes, as `Sallyport-Error` names them. */
export type RelayError =
  | "not_connected"
  | "timeout"
  | "lost"
  | "too_large"
  | "busy"
  | "not_text"
  | "cancelled"
  | "bad_answer"
  | "login_failed";

/** Every reason of the hub to fail. */
export const hubErrors = {
  bad_request: { status: 400, errorCode: 20, title: "Bad request", retrySafe: false },
  unauthenticated: { status: 401, errorCode: 116, title: "API key or session needed", retrySafe: true },
  forbidden: { status: 403, errorCode: 117, title: "Not allowed", retrySafe: false },
  foreign_origin: { status: 403, errorCode: 117, title: "Request from another site", retrySafe: false },
  not_found: { status: 404, errorCode: 227, title: "Not found", retrySafe: false },
  no_such_primary: { status: 404, errorCode: 227, title: "No such primary", retrySafe: false },
  no_such_command: { status: 404, errorCode: 227, title: "No such command", retrySafe: false },
  no_such_credential: { status: 404, errorCode: 227, title: "No credential stored", retrySafe: false },
  no_such_rollout: { status: 404, errorCode: 227, title: "No such rollout", retrySafe: false },
  no_such_alert: { status: 404, errorCode: 227, title: "No such alert", retrySafe: false },
  no_such_alert_rule: { status: 404, errorCode: 227, title: "No such alert rule", retrySafe: false },
  no_such_webhook: { status: 404, errorCode: 227, title: "No such webhook", retrySafe: false },
  no_such_delivery: { status: 404, errorCode: 227, title: "No such delivery", retrySafe: false },
  no_such_details: { status: 404, errorCode: 227, title: "No endpoint details", retrySafe: false },
  no_such_token: { status: 404, errorCode: 227, title: "No such token", retrySafe: false },
  no_such_endpoint: { status: 404, errorCode: 227, title: "No such endpoint", retrySafe: false },
  method_not_allowed: { status: 405, errorCode: 133, title: "Method not allowed", retrySafe: false },
  name_taken: { status: 409, errorCode: 226, title: "Name is taken", retrySafe: false },
  command_sent: { status: 409, errorCode: 226, title: "Command was sent already", retrySafe: false },
  rollout_ended: { status: 409, errorCode: 226, title: "Rollout has ended", retrySafe: false },
  idempotency_running: { status: 409, errorCode: 226, title: "First request still runs", retrySafe: true },
  idempotency_unknown: {
    status: 409,
    errorCode: 23,
    title: "First request's answer is lost",
    retrySafe: false,
  },
  idempotency_mismatch: {
    status: 422,
    errorCode: 20,
    title: "Idempotency-Key of another request",
    retrySafe: false,
  },
  too_many_tokens: { status: 409, errorCode: 226, title: "Too many tokens", retrySafe: false },
  no_such_key: { status: 404, errorCode: 227, title: "No such API key", retrySafe: false },
  no_such_user: { status: 404, errorCode: 227, title: "No such user", retrySafe: false },
  last_administrator: { status: 409, errorCode: 117, title: "Last administrator", retrySafe: false },
  issuer_unavailable: { status: 503, errorCode: 25, title: "OpenID provider can't be used", retrySafe: true },
  throttled: { status: 429, errorCode: 134, title: "Too many failed tries", retrySafe: true },
  not_connected: {
    status: 503,
    errorCode: 25,
    title: "Primary not connected",
    retrySafe: true,
    relay: "not_connected",
  },
  draining: { status: 503, errorCode: 25, title: "Hub is stopping", retrySafe: true, relay: "not_connected" },
  timeout: { status: 504, errorCode: 41, title: "No answer in time", retrySafe: false, relay: "timeout" },
  login_failed: {
    status: 502,
    errorCode: 117,
    title: "Stored credential was refused",
    retrySafe: true,
    relay: "login_failed",
  },
  lost: { status: 502, errorCode: 23, title: "Connection lost", retrySafe: false, relay: "lost" },
  bad_answer: {
    status: 502,
    errorCode: 143,
    title: "Unusable answer",
    retrySafe: false,
    relay: "bad_answer",
  },
  cancelled: { status: 499, errorCode: 150, title: "Caller has gone", retrySafe: false, relay: "cancelled" },
  too_large: { status: 413, errorCode: 235, title: "Too large", retrySafe: false, relay: "too_large" },
  not_text: { status: 415, errorCode: 143, title: "Body is not text", retrySafe: false, relay: "not_text" },
  busy: { status: 429, errorCode: 134, title: "Too many commands", retrySafe: true, relay: "busy" },
  out_of_sequence: {
    status: 409,
    errorCode: 226,
    title: "Something before it is not stored",
    retrySafe: true,
  },
  log_busy: { status: 503, errorCode: 134, title: "Log is busy", retrySafe: true },
  log_failed: { status: 503, errorCode: 155, title: "Log can't be written", retrySafe: true },
  views_behind: { status: 503, errorCode: 134, title: "Views are behind the log", retrySafe: true },
  unsealable: { status: 500, errorCode: 1, title: "Stored secret can't be opened", retrySafe: false },
  limit_reached: { status: 429, errorCode: 134, title: "A bound is reached", retrySafe: true },
  bad_backup: { status: 500, errorCode: 13, title: "Bad backup", retrySafe: false },
  bad_setting: { status: 500, errorCode: 20, title: "Bad setting", retrySafe: false },
  bad_option: { status: 500, errorCode: 20, title: "Bad option", retrySafe: false },
  internal: { status: 500, errorCode: 1, title: "Internal error", retrySafe: false },
} as const satisfies Record<string, ErrorRow>;

/** The stable name of a reason to fail; match on it, not on messages. */
export type HubErrorCode = keyof typeof hubErrors;

/** What an error says beyond its code and message. */
export interface HubErrorOptions extends ErrorOptions {
  /** When to come again, seconds. */
  retryAfterS?: number;
  /** For the gateway: whether the primary may have carried the call out. */
  mayHaveBeenExecuted?: boolean;
  /** For the gateway: overrides the table, as a GET may always be repeated. */
  retrySafe?: boolean;
}

/** Everything that the hub throws. */
export class HubError extends Error {
  readonly code: HubErrorCode;
  readonly retryAfterS: number | undefined;
  readonly mayHaveBeenExecuted: boolean | undefined;
  readonly retrySafe: boolean;

  constructor(code: HubErrorCode, message: string, options: HubErrorOptions = {}) {
    super(message, options);
    this.name = "HubError";
    this.code = code;
    this.retryAfterS = options.retryAfterS;
    this.mayHaveBeenExecuted = options.mayHaveBeenExecuted;
    this.retrySafe = options.retrySafe ?? hubErrors[code].retrySafe;
  }

  /** The code's row of the table. */
  get row(): ErrorRow {
    return hubErrors[this.code];
  }
}
