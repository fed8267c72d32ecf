/** What each code means: the WebSocket close code it ends a connection with (if it does), and whether the same call may be tried again. */
export const nbwssErrors = {
  not_text: { closeCode: 1003, retryable: false },
  too_large: { closeCode: 1009, retryable: false },
  bad_frame: { closeCode: 1002, retryable: false },
  not_json: { closeCode: 1007, retryable: false },
  too_deep: { closeCode: 1007, retryable: false },
  unsupported_version: { closeCode: 1008, retryable: false },
  unknown_extension: { closeCode: 1008, retryable: false },
  invalid_message: { closeCode: 1008, retryable: false },
  not_a_response: { closeCode: undefined, retryable: false },
  invalid_url: { closeCode: undefined, retryable: false },
  dial_failed: { closeCode: undefined, retryable: true },
  connect_timeout: { closeCode: 1008, retryable: true },
  probe_unsupported: { closeCode: undefined, retryable: false },
  token_refused: { closeCode: 1000, retryable: true },
  not_established: { closeCode: undefined, retryable: true },
  busy: { closeCode: undefined, retryable: true },
  timeout: { closeCode: undefined, retryable: false },
  cancelled: { closeCode: undefined, retryable: false },
  lost: { closeCode: undefined, retryable: false },
} as const satisfies Record<string, { closeCode: number | undefined; retryable: boolean }>;

/** The stable name of a reason to fail; match on it, not on messages. */
export type NbwssErrorCode = keyof typeof nbwssErrors;

/** What an error says beyond its code and message. */
export interface NbwssErrorOptions extends ErrorOptions {
  /** The connection that it is about, as the endpoint calls it. */
  trackingId?: string | undefined;
}

/** Everything that this package throws. */
export class NbwssError extends Error {
  readonly code: NbwssErrorCode;
  readonly trackingId: string | undefined;

  constructor(code: NbwssErrorCode, message: string, options?: NbwssErrorOptions) {
    super(message, options);
    this.name = "NbwssError";
    this.code = code;
    this.trackingId = options?.trackingId;
  }

  /** The close code that this error ends a connection with; undefined when the connection goes on. */
  get closeCode(): number | undefined {
    return nbwssErrors[this.code].closeCode;
  }

  /** Whether the same call may safely be tried again: it has certainly not been executed. */
  get retryable(): boolean {
    return nbwssErrors[this.code].retryable;
  }
}

/** A message that is not what NBWSS allows. `path` says where, such as `payload.headers`; it is empty for the message as a whole. */
export class DecodeError extends NbwssError {
  readonly path: string;

  constructor(code: NbwssErrorCode, path: string, message: string, options?: ErrorOptions) {
    super(code, path === "" ? message : `${path}: ${message}`, options);
    this.name = "DecodeError";
    this.path = path;
  }
}
