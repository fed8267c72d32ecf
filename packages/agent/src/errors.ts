/** What each code means to the caller of the administration API: its HTTP status and NetBackup error code. */
export const agentErrors = {
  invalid_details: { httpStatus: 400, errorCode: 400 },
  endpoint_unknown: { httpStatus: 404, errorCode: 404 },
  group_unknown: { httpStatus: 404, errorCode: 404 },
  details_unreachable: { httpStatus: 500, errorCode: 500 },
  endpoint_unreachable: { httpStatus: 500, errorCode: 500 },
  certificate_changed: { httpStatus: 500, errorCode: 500 },
  unauthenticated: { httpStatus: 401, errorCode: 401 },
  not_found: { httpStatus: 404, errorCode: 404 },
  not_acceptable: { httpStatus: 406, errorCode: 406 },
  body_too_large: { httpStatus: 413, errorCode: 413 },
  unsupported_media_type: { httpStatus: 415, errorCode: 415 },
  upstream_refused: { httpStatus: 502, errorCode: 502 },
  upstream_unreachable: { httpStatus: 502, errorCode: 502 },
  forbidden: { httpStatus: 403, errorCode: 403 },
  invalid_rules: { httpStatus: 400, errorCode: 400 },
  ticket_unknown: { httpStatus: 404, errorCode: 404 },
  ticket_not_held: { httpStatus: 409, errorCode: 409 },
  ticket_mismatch: { httpStatus: 409, errorCode: 409 },
  ticket_refused: { httpStatus: 403, errorCode: 403 },
  held_too_many: { httpStatus: 429, errorCode: 429 },
  audit_failed: { httpStatus: 503, errorCode: 503 },
  upstream_unexpected: { httpStatus: 502, errorCode: 502 },
  internal: { httpStatus: 500, errorCode: 500 },
} as const satisfies Record<string, { httpStatus: number; errorCode: number }>;

/** The stable name of a reason to fail. */
export type AgentErrorCode = keyof typeof agentErrors;

/** Everything that this package throws. */
export class AgentError extends Error {
  readonly code: AgentErrorCode;
  /** What is wrong with which member of the input. */
  readonly attributeErrors: Readonly<Record<string, string>> | undefined;

  constructor(
    code: AgentErrorCode,
    message: string,
    options?: ErrorOptions & { attributeErrors?: Record<string, string> },
  ) {
    super(message, options);
    this.name = "AgentError";
    this.code = code;
    this.attributeErrors = options?.attributeErrors;
  }
}
