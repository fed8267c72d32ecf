import type { Channel } from "../channel.ts";
import type { Clock } from "../clock.ts";
import type { DecodeError } from "../errors.ts";
import type { ServiceAnswer, ServiceCommand } from "../extension/command.ts";
import type { NbwssLimits } from "../limits.ts";
import type { Health, Move } from "../message.ts";
import type { ConnectionTerms } from "../subprotocol.ts";

/** What the owner of a dialled connection does and is told. */
export interface ServiceHandler {
  /**
   * Makes the REST call; its path begins with `/netbackup/`, others were answered 403 already. Every failure should be an answer (see `failureAnswer`); when it rejects all the same, the
   * endpoint is answered 502.
   * @param signal aborted when nobody waits for the answer: the connection has ended or, under `sallyport.v1`, the caller has gone
   */
  execute(command: ServiceCommand, signal: AbortSignal): Promise<ServiceAnswer>;
  /** A message could not be decoded; the connection closes unless `ignoreUndecodable`. */
  undecodable?(error: DecodeError): void;
  /**
   * The endpoint speaks a later version of `sallyport.v1`: a message or frame came that is not known here, and was ignored.
   * @param count how many there were on this connection, this one included
   */
  ignored?(what: string, count: number): void;
  /** An answer could not be sent as it was. */
  answerNotSent?(error: unknown): void;
  /** An answer was given up, since the endpoint did not read it for `streamStallMs`. */
  stalled?(): void;
  /** The endpoint asked to leave (Sallyport's extension, MOVE); the connection does so by itself. */
  moving?(move: Move): void;
  /** How the service is, for an endpoint that asked for it; nothing is said without it. */
  health?(): Omit<Health, "executing">;
  /** `exception.ignoreDecoder` of nbwss.properties; false unless said. */
  ignoreUndecodable?: boolean;
}

/** What a connection of a service is made of. */
export interface ServiceConnectionOptions {
  channel: Channel;
  clock: Clock;
  limits: NbwssLimits;
  terms: ConnectionTerms;
  handler: ServiceHandler;
}
