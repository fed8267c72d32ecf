/** Every way in which the primary refuses a request: HTTP status and NetBackup's error code. */
export const errorTable = {
  invalid_request: { httpStatus: 400, netbackupCode: 20 },
  invalid_filter: { httpStatus: 400, netbackupCode: 20 },
  weak_password: { httpStatus: 400, netbackupCode: 20 },
  not_cancellable: { httpStatus: 400, netbackupCode: 20 },
  wrong_job_state: { httpStatus: 400, netbackupCode: 20 },
  image_locked: { httpStatus: 400, netbackupCode: 20 },
  unauthenticated: { httpStatus: 401, netbackupCode: 8000 },
  bad_credentials: { httpStatus: 401, netbackupCode: 8000 },
  not_found: { httpStatus: 404, netbackupCode: 227 },
  job_not_done: { httpStatus: 405, netbackupCode: 20 },
  method_not_allowed: { httpStatus: 405, netbackupCode: 20 },
  gone: { httpStatus: 410, netbackupCode: 20 },
  changed_meanwhile: { httpStatus: 412, netbackupCode: 20 },
  not_acceptable: { httpStatus: 406, netbackupCode: 20 },
  already_exists: { httpStatus: 409, netbackupCode: 20 },
  body_too_large: { httpStatus: 413, netbackupCode: 20 },
  unsupported_media_type: { httpStatus: 415, netbackupCode: 20 },
  too_slow: { httpStatus: 408, netbackupCode: 20 },
  headers_too_large: { httpStatus: 431, netbackupCode: 20 },
  internal: { httpStatus: 500, netbackupCode: 11 },
  not_implemented: { httpStatus: 501, netbackupCode: 20 },
  queue_full: { httpStatus: 503, netbackupCode: 800 },
  busy: { httpStatus: 503, netbackupCode: 800 },
  stopping: { httpStatus: 503, netbackupCode: 800 },
  password_file_missing: { httpStatus: 500, netbackupCode: 2106 },
  client_unreachable: { httpStatus: 500, netbackupCode: 58 },
  premises_unusable: { httpStatus: 500, netbackupCode: 11 },
  storage_unusable: { httpStatus: 500, netbackupCode: 2106 },
  storage_full: { httpStatus: 500, netbackupCode: 129 },
  volume_down: { httpStatus: 500, netbackupCode: 2074 },
  no_storage_unit: { httpStatus: 400, netbackupCode: 213 },
  in_use: { httpStatus: 409, netbackupCode: 20 },
} as const;

/** A stable name of a reason to refuse. */
export type PrimaryErrorCode = keyof typeof errorTable;

/** What a `PrimaryError` may carry beside its code and message. */
export interface PrimaryErrorOptions {
  cause?: unknown;
  /** Which attribute of the request is wrong, and why. */
  attributeErrors?: Readonly<Record<string, string>>;
}

/** Anything the primary refuses to do; the message says what, where and what to do instead. */
export class PrimaryError extends Error {
  readonly code: PrimaryErrorCode;
  readonly attributeErrors: Readonly<Record<string, string>> | undefined;

  constructor(code: PrimaryErrorCode, message: string, options: PrimaryErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "PrimaryError";
    this.code = code;
    this.attributeErrors = options.attributeErrors;
  }

  /** The HTTP status that answers it. */
  get httpStatus(): (typeof errorTable)[PrimaryErrorCode]["httpStatus"] {
    return errorTable[this.code].httpStatus;
  }

  /** NetBackup's number for it. */
  get netbackupCode(): number {
    return errorTable[this.code].netbackupCode;
  }
}
