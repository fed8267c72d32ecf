import type { Readable } from "node:stream";
import type { CommandAnswer } from "../answer.ts";
import type { Command } from "../message.ts";

/** A command as an endpoint sends it under `sallyport.v1`: its body may be any bytes, and of any length. */
export interface StreamedCommand extends Omit<Command, "parameters"> {
  /** A stream is destroyed when the primary needs no more of it. */
  body?: string | Buffer | Readable | undefined;
  /** How many bytes a streamed body has, when known; another number fails the call at the primary. */
  bodyBytes?: number | undefined;
}

/** An answer as an endpoint gets it: whole, or as a stream, which has to be read or destroyed. */
export interface StreamedAnswer {
  /** HTTP status. */
  status: number;
  /** Names in lower case. */
  headers: Record<string, string>;
  /** A stream ends with the error `lost`, `timeout` or `too_large` (`NbwssError`) when it breaks off. */
  body: string | Buffer | Readable;
  /** How many bytes a streamed body has, when the primary said so: it then has as many, or fails. */
  bodyBytes: number | undefined;
}

/** A command as a service gets it: under NBWSS 1.0 no more than `Command`. */
export interface ServiceCommand extends Command {
  /**
   * A request body that is larger than `maxWholeBodyBytes` or not text; `parameters` is absent then. Whoever decides by the body has not seen
   * it, and has to decide so.
   */
  upload?: Readable | undefined;
  /** How many bytes `upload` has, when the endpoint said so. */
  uploadBytes?: number | undefined;
  /** How long the endpoint waits for status and headers, ms. */
  timeoutMs?: number | undefined;
  /** Whether the answer's body may be `content`. */
  takesContent?: boolean | undefined;
}

/** An answer as a service gives it. */
export interface ServiceAnswer extends CommandAnswer {
  /** The body as bytes or as a stream, in place of `body`; only for a command that takes it. A stream is destroyed when nobody reads it any more. */
  content?: Buffer | Readable | undefined;
  /** How many bytes a streamed `content` has, when known. */
  contentBytes?: number | undefined;
}
