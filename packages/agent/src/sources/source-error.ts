import { AgentError, type AgentErrorCode } from "../errors.ts";

/** A reading that came to nothing; it is tried again. */
export class SourceError extends AgentError {
  /** How long the server wants to be left alone, ms; 0 when it said nothing. */
  readonly retryAfterMs: number;

  constructor(code: AgentErrorCode, message: string, options?: ErrorOptions & { retryAfterMs?: number }) {
    super(code, message, options);
    this.name = "SourceError";
    this.retryAfterMs = options?.retryAfterMs ?? 0;
  }
}
